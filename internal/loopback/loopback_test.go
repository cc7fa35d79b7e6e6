package loopback

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAsks(t *testing.T) {
	for _, c := range []struct {
		from, host string
		header     string
		want       bool
	}{
		{"127.0.0.1:9", "localhost:3000", "", true},
		{"127.3.2.1:9", "127.0.0.1", "", true},
		{"[::1]:9", "[::1]:3000", "", true},
		{"[::ffff:127.0.0.1]:9", "[::1]", "", true},
		{"192.0.2.1:9", "localhost:3000", "", false},
		{"127.0.0.1:9", "evil.example", "", false},
		{"127.0.0.1:9", "localhost.evil.example:3000", "", false},
		{"127.0.0.1:9", "192.0.2.1", "", false},
		{"127.0.0.1:9", "localhost", "X-Forwarded-For", false},
		{"127.0.0.1:9", "localhost", "Forwarded", false},
		{"127.0.0.1:9", "localhost", "X-Real-Ip", false},
		{"127.0.0.1:9", "localhost", "Via", false},
		{"127.0.0.1:9", "localhost", "X-Forwarded-Proto", false},
		{"127.0.0.1:9", "localhost", "X-Forwarded-Host", false},
		{"127.0.0.1:9", "localhost", "X-Original-Forwarded-For", false},
		{"127.0.0.1:9", "localhost", "True-Client-Ip", false},
		{"127.0.0.1:9", "localhost", "Cf-Connecting-Ip", false},
		{"127.0.0.1:9", "localhost", "X-Requested-With", true},
		{"", "localhost", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host = c.from, c.host
		if c.header != "" {
			r.Header.Set(c.header, "127.0.0.1")
		}
		if got := Asks(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for origin, want := range map[string]bool{
		"http://localhost:3000": true, "http://127.0.0.1": true, "http://[::1]:3000": true,
		"https://chat.example": false, "null": false, "http://localhost.evil.example": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:9", "localhost:3000"
		r.Header.Set("Origin", origin)
		if got := Asks(r); got != want {
			t.Errorf("origin %s: %v", origin, got)
		}
	}
	old := httptest.NewRequest(http.MethodGet, "/", nil)
	old.RemoteAddr, old.Host = "127.0.0.1:9", "localhost:3000"
	if old.ProtoMinor = 0; Asks(old) {
		t.Error("HTTP/1.0, as nginx speaks it, is taken for this machine")
	}
}
