package peers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// FuzzForwarded: whatever a header says, the client's address is one that a
// trusted proxy has written, or that of the connection.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"203.0.113.7", "1.2.3.4, 203.0.113.7, 10.0.0.1", "::1,, 10.0.0.2", "fe80::1%eth0", "::ffff:10.0.0.3, x", "10.0.0.1,10.0.0.2"} {
		f.Add("10.0.0.9:1234", s)
		f.Add("198.51.100.1:80", s)
	}
	p, err := New(Config{Header: "X-Forwarded-For", Trusted: []string{"10.0.0.0/8"}}, new(wheel.Wheel))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, remote, header string) {
		got := p.Of(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {header}}})
		own, _ := netip.ParseAddrPort(remote)
		// The last one that is not trusted was written by one that is.
		want := ""
		if proxied := own.Addr().Unmap(); proxied.Is4() && proxied.As4()[0] == 10 {
			list := strings.Split(header, ",")
			for i := len(list) - 1; i >= 0; i-- {
				a, err := netip.ParseAddr(strings.TrimSpace(list[i]))
				if err != nil {
					break
				}
				want = a.String()
				if u := a.Unmap(); !u.Is4() || u.As4()[0] != 10 {
					break
				}
			}
		} else if !own.IsValid() {
			return // a name or a bare address: net/http does not say so
		}
		if want == "" {
			want = remote
		}
		if got.Addr != want {
			t.Fatalf("%q from %s is %s, want %s", header, remote, got.Addr, want)
		}
		if a := netip.Prefix(got.Key); a.IsValid() && (a != a.Masked() || a.Addr().Zone() != "") {
			t.Fatalf("%q: key %v", header, a)
		}
	})
}
