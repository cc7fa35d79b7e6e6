package origin

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
)

// Every way to write the page's own origin, and the ways to look like it.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		host, origin string
		want         bool
	}{
		{"app.example", "http://app.example", true},
		{"app.example", "https://app.example", true},
		{"APP.example", "HTTP://App.Example", true},
		{"app.example:80", "http://app.example", true},
		{"app.example:443", "https://app.example", true},
		{"app.example", "http://app.example:80", true},
		{"app.example", "wss://app.example:443/socket.io/?EIO=4", true},
		{"app.example:", "http://app.example", true},
		{"app.example", "http://app.example:", true},
		{"app.example:8080", "ws://app.example:8080/", true},
		{"[::1]:3000", "http://[::1]:3000", true},
		{"[::1]", "http://[::1]:80", true},
		{"xn--bcher-kva.example", "https://xn--bcher-kva.example", true},
		{"app.example.", "http://app.example.", true},

		{"app.example", "https://app.example:80", false},
		{"app.example:443", "http://app.example", false},
		{"app.example", "http://app.example.", false},
		{"app.example:8080", "http://app.example", false},
		{"app.example", "http://app.example:8080", false},
		{"app.example", "http://app.example@evil.example", false},
		{"app.example", "http://evil.example@app.example", false},
		{"app.example", "http://app.example.evil.example", false},
		{"app.example", "http://evilapp.example", false},
		{"app.example", "http://app.example%2eevil.example", false},
		{"app.example", "http://app.example\\@evil.example", false},
		{"app.example", "http://app.example, http://evil.example", false},
		{"app.example", "//app.example", false},
		{"app.example", "app.example", false},
		{"app.example", "http:/app.example", false},
		{"app.example", "http:///app.example", false},
		{"app.example", " http://app.example", false},
		{"app.example", "http://app.example\tx", false},
		{"app.example", "ftp://app.example", false},
		{"bücher.example", "https://xn--bcher-kva.example", false},
		{"[::1]:3000", "http://[::2]:3000", false},
		{"", "http://:80", false},
		{":80", "http://:80", false},
		{"", "null", false},
	} {
		r := &http.Request{Host: c.host, Header: http.Header{}}
		if got := Same(c.origin, r); got != c.want {
			t.Errorf("%q at %q: %t", c.origin, c.host, got)
		}
	}
}

func TestSameOverTLS(t *testing.T) {
	r := &http.Request{Host: "app.example", Header: http.Header{}, TLS: &tls.ConnectionState{}}
	if Same("http://app.example", r) || !Same("wss://app.example", r) {
		t.Error("a page without TLS")
	}
}

// What the browser says of the page counts, where it is one word of the browser's.
func TestSecFetchSite(t *testing.T) {
	for _, c := range []struct {
		site   []string
		origin string
		want   bool
	}{
		{[]string{"same-origin"}, "http://proxied.example", true},
		{[]string{"same-origin"}, "null", false},
		{[]string{"same-origin"}, "", false},
		{[]string{"same-origin"}, "http://a.example, http://b.example", false},
		{[]string{"same-origin", "cross-site"}, "http://app.example", false},
		{[]string{"cross-site"}, "http://app.example", false},
		{[]string{"same-site"}, "http://app.example", false},
		{[]string{"none"}, "http://app.example", true},
		{[]string{"none"}, "http://proxied.example", false},
		{[]string{""}, "http://app.example", false},
	} {
		r := &http.Request{Host: "app.example", Header: http.Header{"Sec-Fetch-Site": c.site}}
		if got := Same(c.origin, r); got != c.want {
			t.Errorf("%q of %q: %t", c.site, c.origin, got)
		}
	}
}

func TestLists(t *testing.T) {
	for _, c := range []struct{ list, in, out string }{
		{"https://app.example", "https://app.example HTTPS://APP.EXAMPLE:443 wss://app.example/x", "http://app.example https://app.example:8443 https://app.example. https://sub.app.example"},
		{"https://app.example:443/", "https://app.example", "https://app.example:80"},
		{"https://*.b.example", "https://a.b.example https://x.a.b.example", "https://b.example https://ab.example https://a.b.example.evil.example https://a.b.example:8443 http://a.b.example"},
		{"https://*.b.example:8443", "https://a.b.example:8443", "https://a.b.example"},
		{"https://*.b.example:*", "https://a.b.example:8443 https://a.b.example", "https://b.example:1"},
		{"http://localhost:*", "http://localhost http://localhost:5173 ws://localhost:1", "https://localhost http://localhost.evil.example:1 http://localhost@evil.example:1"},
		{"http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000", "http://[::1]"},
		{"http://[::1]:*", "http://[::1]:3000 http://[::1]", "http://[::2]:3000"},
		{"capacitor://localhost", "capacitor://localhost", "capacitor://localhost:1 http://localhost ionic://localhost"},
		{"null", "null", "file:// http://null"},
	} {
		l, err := NewList([]string{c.list})
		if err != nil {
			t.Errorf("%s: %v", c.list, err)
			continue
		}
		r := &http.Request{Host: "own.example", Header: http.Header{}}
		for want, origins := range map[bool]string{true: c.in, false: c.out} {
			for _, o := range strings.Fields(origins) {
				if l.Allow(o, r) != want {
					t.Errorf("%s, %s: %t", c.list, o, !want)
				}
			}
		}
	}
	for _, o := range []string{"", "app.example", "https://", "https://a.example/path", "https://user@a.example", "https://a.example?x", "https://a.*.example", "https://*", "https://*.", " https://a.example", "https://b\u00fccher.example", "https://[::1", "https://[x]", "https://a.example:x"} {
		if _, err := NewList([]string{o}); err == nil {
			t.Errorf("%q is an origin", o)
		}
	}
}

func TestHosts(t *testing.T) {
	for _, c := range []struct{ list, in, out string }{
		{"app.example", "app.example APP.example:1 app.example. app.example.:80 127.0.0.1 [::1]:3000 [::1] localhost a.localhost:1", "sub.app.example app.example.evil.example xapp.example 127.0.0.1.evil.example localhost.evil.example [app.example].evil.example app.example@evil.example"},
		{"App.Example.", "app.example app.example.", "b.example"},
		{"app.example:8443", "app.example:8443 app.example.:8443", "app.example app.example:443"},
		{"app.example:443", "app.example app.example:443", "app.example:8443"},
		{"*.b.example", "a.b.example x.a.b.example:1", "b.example ab.example"},
		{"*.b.example:8443", "a.b.example:8443", "a.b.example:1 b.example:8443"},
		{"*", "anything.example", ""},
	} {
		h := Hosts{c.list}
		if err := h.Check(); err != nil {
			t.Errorf("%s: %v", c.list, err)
		}
		for want, hosts := range map[bool]string{true: c.in, false: c.out} {
			for _, host := range strings.Fields(hosts) {
				if h.Allow(host) != want {
					t.Errorf("%s, %s: %t", c.list, host, !want)
				}
			}
		}
	}
	for _, l := range []string{"", "https://app.example", "app.example/x", "u@app.example", "a.*.example", "**", "b\u00fccher.example", "app.example:x", " app.example"} {
		if (Hosts{l}).Check() == nil {
			t.Errorf("%q is a host", l)
		}
	}
}
