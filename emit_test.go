package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// talking starts a server to talk to.
func talking(t *testing.T) string {
	t.Helper()
	io := socketio.New(nil)
	ns := io.Of("/chat")
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Handshake().Auth()["token"] == "wrong" {
			return socketio.Errorf("refused", "wrong token")
		}
		return nil
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) {
		_ = s.Emit("hello", s.Handshake().Auth(), int64(9007199254740993))
		_ = s.Emit("picture", []byte{1, 2, 3})
	})
	ns.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		var args []any
		for _, a := range r.Args().All() {
			args = append(args, a)
		}
		return r.Ack(args...)
	})
	var asked sync.Map
	ns.On("all ask", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
		for other := range ns.Sockets() {
			if _, before := asked.LoadOrStore(other.ID(), true); before || other == s {
				continue
			}
			if err := other.EmitFunc("question", 0, func(answer socketio.Ack, err error) {
				if err == nil {
					_ = other.Emit("they said", answer.Arg(0))
				}
			}, "why?"); err != nil {
				return err
			}
		}
		return nil
	})
	socketio.Call[string, string]("fail").On(ns, func(context.Context, *socketio.Socket, string) (string, error) {
		return "", socketio.Errorf("no_luck", "never")
	})
	ns.On("kick", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
		ns.DisconnectSockets(false)
		return nil
	})
	srv := httptest.NewServer(io)
	t.Cleanup(func() {
		_ = io.Close()
		srv.Close()
	})
	return srv.URL
}

// What emit prints and how it ends.
func TestEmit(t *testing.T) {
	url := talking(t)
	file := filepath.Join(t.TempDir(), "x.bin")
	if err := os.WriteFile(file, []byte{7, 8}, 0o600); err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, c := range []struct {
		args      string
		code      int
		out, says string
	}{
		{url + "/chat echo --ack", 0, "[]\n", ""},
		{url + `/chat echo {"a":[1,"<"]} --ack`, 0, `{"a":[1,"<"]}` + "\n", ""},
		{url + " echo 1 -2 --ack --namespace /chat --transport polling", 0, "[1,-2]\n", ""},
		{url + " echo --ack --namespace=chat --transport=websocket -- 5", 0, "5\n", ""},
		{url + "/chat echo @" + file + " --ack", 0, `{"base64":"Bwg="}` + "\n", ""},
		{url + "/chat echo - --ack", 0, "\"from in\"\n", ""},
		{url + "/chat echo", 0, "", ""},
		{strings.TrimPrefix(url, "http://") + "/chat echo 1", 0, "", ""},
		{url + `/chat fail "x" --ack`, 3, `{"error":{"code":"no_luck","message":"never"}}` + "\n", ""},
		{url + `/chat nothing --ack --timeout 3s`, 4, "", `no handler of that name in /chat`},
		{url + `/nowhere echo`, 1, "", `look for a misspelling`},
		{url + `/chat echo --auth {"token":"wrong"}`, 1, "", `wrong token`},
		{other.URL + `/chat echo`, 1, "", `mounted at another path`},
		{"http://127.0.0.1:1 echo", 1, "", `is the server running`},
		{url + `/chat echo hello`, 2, "", `a text needs quotes of its own`},
		{url + `/chat echo @/no/such/file`, 2, "", `no such file`},
		{url + `/chat echo --auth 5`, 2, "", `--auth is a JSON object`},
		{url + `/chat echo --transport pigeon`, 2, "", `there are polling and websocket`},
		{url + `/chat disconnect`, 2, "", `nobody can send`},
		{url, 2, "", `a URL and an event are needed`},
		{url + " echo --timeout soon", 2, "", `timeout`},
		{url + " echo --timeout", 2, "", `timeout`},
		{url + " echo --header nonsense", 2, "", `Name: value`},
		{"ftp://x echo", 2, "", `no address of a server`},
	} {
		var out, errs strings.Builder
		p := &process{in: strings.NewReader(`"from in"`), out: &out, err: &errs, getenv: func(string) string { return "" }}
		code := p.main(t.Context(), append([]string{"emit"}, strings.Fields(c.args)...))
		if code != c.code || out.String() != c.out || !strings.Contains(errs.String(), c.says) || (c.says == "") != (errs.Len() == 0) {
			t.Errorf("%s: exit %d, %q, %q", c.args, code, out.String(), errs.String())
		}
	}
}

// What listen prints, for people and for scripts, and how it ends.
func TestListen(t *testing.T) {
	url := talking(t)
	code, out, _ := run(t, "listen", url+"/chat", "--count", "2", "--auth", `{"me":1}`)
	if code != 0 || !strings.Contains(out, ` hello {"me":1} 9007199254740993`+"\n") || !strings.Contains(out, ` picture {"base64":"AQID"}`+"\n") {
		t.Errorf("exit %d: %s", code, out)
	}
	dir := t.TempDir()
	code, out, errs := run(t, "listen", url+"/chat", "picture", "--json", "--count=1", "--binary", dir)
	var h struct {
		Event string
		Args  []struct{ File string }
	}
	if err := json.Unmarshal([]byte(out), &h); err != nil || code != 0 || h.Event != "picture" || !strings.Contains(errs, "connected to /chat as ") {
		t.Fatalf("exit %d: %v: %s%s", code, err, out, errs)
	}
	if data, err := os.ReadFile(h.Args[0].File); err != nil || string(data) != "\x01\x02\x03" {
		t.Errorf("%v %q", err, data)
	}
	if code, out, _ := run(t, "listen", url+"/chat", "silence", "--count", "1", "--timeout", "3s"); code != 4 || out != "" {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, _, errs := run(t, "listen", url+"/nowhere"); code != 1 || !strings.Contains(errs, "look for a misspelling") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := run(t, "listen"); code != 2 || !strings.Contains(errs, "a URL is needed") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := run(t, "listen", url, "--answer", "yes"); code != 2 || !strings.Contains(errs, "--answer is JSON") {
		t.Errorf("exit %d: %s", code, errs)
	}
	// Who is asked answers.
	asked := make(chan string, 1)
	go func() {
		_, out, _ := run(t, "listen", url+"/chat", "question", "they said", "--answer", `{"be":"cause"}`, "--count", "2", "--json")
		asked <- out
	}()
	for out := ""; out == ""; {
		_, _, _ = run(t, "emit", url+"/chat", "all ask")
		select {
		case out = <-asked:
			if !strings.Contains(out, `"event":"question","args":["why?"],"ack":true}`) || !strings.Contains(out, `"event":"they said","args":[{"be":"cause"}]}`) {
				t.Errorf("asked: %s", out)
			}
		default:
		}
	}
	// Who is sent away does not wait for ever; who is told to stop has done well.
	ended := make(chan int, 1)
	go func() {
		code, _, _ := run(t, "listen", url+"/chat", "never")
		ended <- code
	}()
	for code := -1; code < 0; {
		_, _, _ = run(t, "emit", url+"/chat", "kick")
		select {
		case code = <-ended:
			if code != 1 {
				t.Errorf("sent away: exit %d", code)
			}
		default:
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var errsNow strings.Builder
	p := &process{in: strings.NewReader(""), out: new(strings.Builder), err: writer(func(b []byte) {
		errsNow.Write(b)
		cancel() // it is connected
	}), getenv: func(string) string { return "" }}
	if code := p.main(ctx, []string{"listen", url + "/chat", "never"}); code != 0 {
		t.Errorf("stopped: exit %d: %s", code, errsNow.String())
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }
