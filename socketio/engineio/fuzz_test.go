package engineio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJSONP: the script that answers a JSONP poll is one call with one string
// that says what the payload says, with nothing in it that a script cannot
// hold; and what a page posts as a form arrives as it was.
func FuzzJSONP(f *testing.F) {
	for _, s := range []string{`4["a"]`, "4</script><!--\u2028\u2029", "4\\n\n\\\\n\"'", "b\x00\x1f\x7f", "d=4%5C%5Cn&d=x", "%"} {
		f.Add("0", s)
	}
	f.Fuzz(func(t *testing.T, j, payload string) {
		if digitsOnly(j) && utf8.ValidString(payload) {
			script := string(appendJSONP(nil, j, []byte(payload)))
			body, ok := strings.CutPrefix(script, "___eio["+j+"](")
			body, end := strings.CutSuffix(body, ");")
			if !ok || !end || strings.ContainsAny(body, "\u2028\u2029<") {
				t.Fatalf("%q: %q", payload, script)
			}
			var again string
			if err := json.Unmarshal([]byte(body), &again); err != nil || again != payload {
				t.Fatalf("%q became %q: %v", payload, again, err)
			}
		}
		jsonpBody([]byte(payload)) // any body
		if strings.Contains(payload, `\n`) || strings.Contains(payload, "\n") {
			return // which pages escape in their own way
		}
		if got := string(jsonpBody([]byte("d=" + url.QueryEscape(payload)))); got != payload {
			t.Fatalf("%q was posted, %q arrived", payload, got)
		}
	})
}

// FuzzOrigin: whatever the Origin and Host headers say, the same-origin rule and
// a list let in only an origin whose host, as net/url reads it, is that of the
// request or one of the list.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{
		"https://a.example", "http://x.b.example:8080", "https://b.example.evil.example", "null", "http://localhost:3000", "https://a.example@evil.example",
		"HTTPS://A.EXAMPLE:443", "https://evil.example/https://a.example", "https://evil.example#.b.example", "https://[::1]:8080",
	} {
		f.Add(s, "a.example")
	}
	list := OriginList("https://a.example", "https://*.b.example", "http://localhost:*", "https://*.c.example:*")
	f.Fuzz(func(t *testing.T, origin, host string) {
		r := &http.Request{Host: host}
		same, listed := SameOrigin.AllowOrigin(origin, r), list.AllowOrigin(origin, r)
		if !same && !listed {
			return
		}
		u, err := url.Parse(strings.ToLower(origin))
		if err != nil {
			return // no browser sends it, and no page has it
		}
		switch u.Scheme { // as programs write it
		case "ws":
			u.Scheme = "http"
		case "wss":
			u.Scheme = "https"
		}
		if u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("%q is no origin, and was let in", origin)
		}
		if same && withPort(u.Scheme, u.Host) != withPort(u.Scheme, strings.ToLower(host)) {
			t.Fatalf("%q is not the origin of %q", origin, host)
		}
		name, port := u.Hostname(), u.Port()
		secure, usual := u.Scheme == "https", port == "" || port == "443"
		if listed && !(secure && usual && (name == "a.example" || strings.HasSuffix(name, ".b.example")) ||
			!secure && name == "localhost" || secure && strings.HasSuffix(name, ".c.example")) {
			t.Fatalf("%q is not in the list", origin)
		}
	})
}

// withPort is host with the port that its scheme implies, if it has none.
func withPort(scheme, host string) string {
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return strings.TrimSuffix(host, port) + port
}
