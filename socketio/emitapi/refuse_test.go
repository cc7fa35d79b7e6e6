package emitapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is wrong is answered with a sentence that says what to write, and does
// nothing.
func TestMalformed(t *testing.T) {
	long := strings.Repeat("x", maxName+1)
	many := `["x"` + strings.Repeat(`,"x"`, 1000) + `]`
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	inWorld(t, 1, Options{}, func(t *testing.T, w *world) {
		c := w.client(0)
		for _, q := range []struct{ call, body, says string }{
			{"emit", ``, `JSON object, such as {"event"`},
			{"emit", `null`, "JSON object"},
			{"emit", `[]`, "JSON object"},
			{"emit", `{"event":"x"`, "at byte 12"},
			{"emit", `{"event":"x"}{}`, "at byte 14"},
			{"emit", "{\"event\":\"\xff\"}", "UTF-8"},
			{"emit", `{}`, `"event" is missing`},
			{"emit", `{"event":""}`, `"event" is missing`},
			{"emit", `{"event":7}`, `"event" must be a string`},
			{"emit", `{"event":null}`, `"event" must be a string`},
			{"emit", `{"Event":"x"}`, `there are namespace, rooms, except, event, arguments, volatile`},
			{"emit", `{"event":"x","to\u0000\n":1}`, `"to\x00\n" is no member`},
			{"emit", `{"event":"disconnect"}`, "choose another"},
			{"emit", `{"event":"` + long + `"}`, "1024 bytes"},
			{"emit", `{"event":"x","arguments":"hello"}`, `"arguments" must be an array`},
			{"emit", `{"event":"x","arguments":{"$binary":""}}`, `"arguments" must be an array`},
			{"emit", `{"event":"x","arguments":[[{"$binary":"AAE"}]]}`, "base64 with padding"},
			{"emit", `{"event":"x","arguments":[{"$binary":7}]}`, "base64 with padding"},
			{"emit", `{"event":"x","arguments":[` + strings.TrimSuffix(strings.Repeat(`{"$binary":""},`, 11), ",") + `]}`, "more binary values"},
			{"emit", `{"event":"x","arguments":[0` + strings.Repeat(`,0`, maxArguments) + `]}`, "256"},
			{"emit", `{"event":"x","arguments":` + deep + `}`, "64 deep"},
			{"emit", `{"event":"x","rooms":"a"}`, `"rooms" must be an array of strings`},
			{"emit", `{"event":"x","rooms":[null]}`, "1 to 1024 bytes"},
			{"emit", `{"event":"x","except":[""]}`, "1 to 1024 bytes"},
			{"emit", `{"event":"x","rooms":["` + long + `"]}`, "1 to 1024 bytes"},
			{"emit", `{"event":"x","rooms":` + many + `}`, "1000 names"},
			{"emit", `{"event":"x","namespace":"chat"}`, "slash"},
			{"emit", `{"event":"x","namespace":"/a?b"}`, "question mark"},
			{"emit", `{"event":"x","namespace":"/` + long + `"}`, "1024 bytes"},
			{"emit", `{"event":"x","volatile":1}`, "true or false"},
			{"fetch", `{"limit":0}`, "from 1 to 1000"},
			{"fetch", `{"limit":1001}`, "from 1 to 1000"},
			{"fetch", `{"limit":1.5}`, "whole number"},
			{"fetch", `{"event":"x"}`, "there are namespace, rooms, except, limit, data"},
			{"disconnect", `{"rooms":[]}`, `"all":true`},
			{"disconnect", `{"all":"yes"}`, "true or false"},
		} {
			text, _ := w.ask(0, 400, request(q.call, q.body))
			if unquoted := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text); !strings.Contains(unquoted, q.says) || !strings.Contains(text, `"code":"bad_request"`) {
				t.Errorf("%.60s: %s", q.body, text)
			}
		}
		w.ask(0, 413, request("emit", `{"event":"`+strings.Repeat("x", 1<<20)+`"}`))
		w.ask(0, 415, request("emit", `{"event":"x"}`, with("Content-Type", "text/plain")))
		w.ask(0, 415, request("emit", `{"event":"x"}`, with("Content-Type", "")))
		w.ask(0, 404, request("emitt", `{"event":"x"}`))
		if _, h := w.ask(0, 405, request("emit", ``, func(r *http.Request) { r.Method = http.MethodGet })); h.Get("Allow") != "POST" {
			t.Error(h)
		}
		heard(t, c)
		if !c.Connected() {
			t.Error("gone")
		}
	})
}

// Without a token that is right nothing is done, and an address may not go on
// trying; others may.
func TestCredentials(t *testing.T) {
	inWorld(t, 1, Options{Guesses: 5}, func(t *testing.T, w *world) {
		c := w.client(0)
		wrong := []string{"", "Bearer", "Bearer ", "Bearer " + token[1:], "Bearer " + token + "x", "Basic " + token}
		from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
		for i := range 5 {
			r := request("emit", `{"event":"x"}`, with("Authorization", wrong[i]), from(fmt.Sprintf("[2001:db8::%d]:1", i)))
			if _, h := w.ask(0, 401, r); !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
				t.Error(h)
			}
		}
		again := func() *http.Request { return request("emit", `{"event":"x"}`, from("[2001:db8::99]:1")) }
		if _, h := w.ask(0, 429, again()); h.Get("Retry-After") != "60" && h.Get("Retry-After") != "61" {
			t.Error(h)
		}
		heard(t, c)
		w.ask(0, 200, request("emit", `{"event":"y"}`, from("[2001:db8:0:1::]:1")))
		w.ask(0, 200, request("emit", `{"event":"y"}`, with("Authorization", "bearer another-token-of-this-server")))
		heard(t, c, "y", "y")
		time.Sleep(time.Minute)
		w.ask(0, 200, again())
		log := w.log.String()
		if !strings.Contains(log, "no token, or a wrong one") || !strings.Contains(log, "2001:db8::/64") {
			t.Errorf("log: %s", log)
		}
	})
}

// Who guesses from very many addresses shares one count, and costs no more memory.
func TestGuessersAreBounded(t *testing.T) {
	g := guesses{most: 3}
	for i := range 2 * maxGuessers {
		g.add(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32))
	}
	if len(g.by) > maxGuessers+1 {
		t.Errorf("%d addresses", len(g.by))
	}
	if g.wait(netip.MustParsePrefix("10.0.0.1/32")) != 0 || g.wait(netip.MustParsePrefix("11.0.0.1/32")) == 0 {
		t.Error("the first is told apart, the last is not")
	}
}

// Whatever goes wrong or well, the log holds no token, argument or datum.
func TestNoSecretsInTheLog(t *testing.T) {
	inWorld(t, 2, Options{}, func(t *testing.T, w *world) {
		w.client(1, "r")
		const secret = "do-not-log-this-anywhere"
		for _, body := range []string{
			`{"event":"x","arguments":["` + secret + `"]}`, `{"event":"x","arguments":["` + secret, `{"event":"x","arguments":[{"$binary":"` + secret + `"}]}`,
			`{"` + secret + `":1}`,
		} {
			for _, t := range []string{token, secret + "-as-a-token"} {
				r := request("emit", body, with("Authorization", "Bearer "+t), with("Idempotency-Key", secret))
				w.api[0].ServeHTTP(discard{http.Header{}}, r)
			}
		}
		w.ask(0, 200, request("fetch", `{"data":true}`))
		if log := w.log.String(); strings.Contains(log, secret) || strings.Contains(log, token) || strings.Contains(log, "secret of") || !strings.Contains(log, "emitted") {
			t.Errorf("log: %s", log)
		}
	})
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func TestOptions(t *testing.T) {
	for _, tokens := range [][]string{nil, {"short"}, {token, ""}, {token + " "}, {token + "é"}} {
		if _, err := New(nil, Options{Tokens: tokens}); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", tokens, err)
		}
	}
	dir := t.TempDir()
	for text, want := range map[string]int{
		token + "\n": 1, "# old\n  " + token + "\r\n\nanother-token-of-this-server": 2, "": 0, "# none": 0, "short": 0,
	} {
		file := filepath.Join(dir, "tokens")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		tokens, err := ReadTokens(file)
		if len(tokens) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %q, %v", text, tokens, err)
		}
	}
	if _, err := ReadTokens(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing file was read")
	}
}
