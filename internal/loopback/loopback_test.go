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
}
