package peers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// FuzzForwarded: whatever a client writes into the header, its address is what
// the proxy in front has written behind that, in each form; and what somebody
// writes who is not trusted is not read at all.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{
		"203.0.113.7", "1.2.3.4, 203.0.113.7, 10.0.0.1", "::1,, 10.0.0.2", "fe80::1%eth0", "::ffff:10.0.0.3, x", "10.0.0.1,10.0.0.2", `"1.2.3.4`, `for="1.2.3.4`, `for="[::1]:9";host="a,b`,
		`\`, `"\`, `for=1.2.3.4;`, "1.2.3.4:99,", `"[::1]:99"`,
	} {
		f.Add("198.51.100.1:80", s)
	}
	forms := map[string][]string{
		"X-Forwarded-For": {"203.0.113.7", "203.0.113.7:1234", "203.0.113.7,10.0.0.2", `"203.0.113.7:80" , 10.0.0.2:99`},
		"Forwarded":       {"for=203.0.113.7", `for="203.0.113.7:1234";proto=https`, `host="a,b;c";for=203.0.113.7, for="10.0.0.2"`},
	}
	all := make(map[string]*Peers)
	for header := range forms {
		p, err := New(Config{Header: header, Trusted: []string{"10.0.0.0/8"}}, new(wheel.Wheel))
		if err != nil {
			f.Fatal(err)
		}
		all[header] = p
	}
	f.Fuzz(func(t *testing.T, remote, claim string) {
		for header, p := range all {
			for _, written := range forms[header] {
				for _, values := range [][]string{{claim + ", " + written}, {claim, written}} {
					r := &http.Request{RemoteAddr: "10.0.0.9:1234", Header: http.Header{header: values}}
					if got := p.Of(r); got.Addr != "203.0.113.7" || got.Key != keyOf(netip.MustParseAddr("203.0.113.7")) {
						t.Fatalf("%s: %q is %s", header, values, got.Addr)
					}
				}
			}
			r := &http.Request{RemoteAddr: "10.0.0.9:1234", Header: http.Header{header: {claim}, "X-Forwarded-Host": {claim}}}
			if a := p.Of(r).Key.Prefix(); a.IsValid() && (a != a.Masked() || a.Addr().Zone() != "" || KeyOf(a) != p.Of(r).Key) {
				t.Fatalf("%q: key %v", claim, a)
			}
			p.Hosts(r)
			Claimed(r.Header)
			if strings.HasPrefix(remote, "10.") || strings.HasPrefix(remote, "[") {
				return
			}
			r.RemoteAddr = remote
			if got := p.Of(r); got.Addr != remote || len(p.Hosts(r)) != 0 {
				t.Fatalf("%q from %s is %s", claim, remote, got.Addr)
			}
		}
	})
}
