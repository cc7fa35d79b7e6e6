package peers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// Every form in which proxies tell the client's address is understood, and what
// is not is told of: it is never passed over in silence.
func TestForwardedForms(t *testing.T) {
	for _, c := range []struct {
		name, header string
		values       []string
		want         string // "" is the proxy itself
		odd          bool
	}{
		{"address", "X-Forwarded-For", []string{"203.0.113.7"}, "203.0.113.7", false},
		{"address and port", "X-Forwarded-For", []string{"203.0.113.7:1234"}, "203.0.113.7", false},
		{"v6", "X-Forwarded-For", []string{"2001:db8::1"}, "2001:db8::1", false},
		{"v6 in brackets", "X-Forwarded-For", []string{"[2001:db8::1]"}, "2001:db8::1", false},
		{"v6 and port", "X-Forwarded-For", []string{"[2001:db8::1]:99"}, "2001:db8::1", false},
		{"quoted", "X-Forwarded-For", []string{`"[2001:db8::1]:99"`}, "2001:db8::1", false},
		{"hops with ports", "X-Forwarded-For", []string{"203.0.113.7:1234, 10.0.0.2:80,10.0.0.3"}, "203.0.113.7", false},
		{"lines", "X-Forwarded-For", []string{"203.0.113.7", "10.0.0.2"}, "203.0.113.7", false},
		{"a client's own claim", "X-Forwarded-For", []string{"198.51.100.1, 203.0.113.7:1234"}, "203.0.113.7", false},
		{"a claim of being a proxy", "X-Forwarded-For", []string{"198.51.100.1, 10.0.0.7, 203.0.113.7"}, "203.0.113.7", false},
		{"a quote left open", "X-Forwarded-For", []string{`"198.51.100.1, 203.0.113.7`}, "203.0.113.7", false},
		{"a hole", "X-Forwarded-For", []string{"198.51.100.1,, 10.0.0.2"}, "10.0.0.2", true},
		{"unknown", "X-Forwarded-For", []string{"unknown"}, "", true},
		{"v4 in brackets", "X-Forwarded-For", []string{"[203.0.113.7]"}, "", true},
		{"other header", "X-Forwarded-For", nil, "", false},
		{"name in lower case", "x-real-ip", []string{"203.0.113.7:5"}, "203.0.113.7", false},
		{"Forwarded", "Forwarded", []string{"for=203.0.113.7;proto=https"}, "203.0.113.7", false},
		{"Forwarded in capitals", "forwarded", []string{`Proto=https; FOR="203.0.113.7:80" ;by=10.0.0.1`}, "203.0.113.7", false},
		{"Forwarded v6", "Forwarded", []string{`for="[2001:db8::1]:99"`}, "2001:db8::1", false},
		{"Forwarded hops", "Forwarded", []string{`for=203.0.113.7, for="10.0.0.2:1";host="a,b"`, "for=10.0.0.3"}, "203.0.113.7", false},
		{"Forwarded, a client's own claim", "Forwarded", []string{"for=198.51.100.1, for=203.0.113.7"}, "203.0.113.7", false},
		{"Forwarded, for twice", "Forwarded", []string{"for=198.51.100.1;for=203.0.113.7"}, "", true},
		{"Forwarded, a quote left open", "Forwarded", []string{`for="198.51.100.1, for=203.0.113.7`}, "203.0.113.7", false},
		{"Forwarded, a quote and a comma", "Forwarded", []string{`for="198.51.100.1\", for=203.0.113.7`}, "203.0.113.7", false},
		{"Forwarded, hidden", "Forwarded", []string{"for=_hidden"}, "", true},
		{"Forwarded without for", "Forwarded", []string{"proto=https"}, "", true},
	} {
		var told []string
		p, err := New(Config{Header: c.header, Trusted: []string{"10.0.0.0/8"}, Odd: func(_, value string) { told = append(told, value) }}, new(wheel.Wheel))
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{}}
		for _, v := range c.values {
			r.Header.Add(c.header, v)
		}
		if c.want == "" {
			c.want = r.RemoteAddr
		}
		if got := p.Of(r); got.Addr != c.want || c.odd != (len(told) == 1) {
			t.Errorf("%s: %s, told of %q; want %s", c.name, got.Addr, told, c.want)
		}
		r.RemoteAddr = "198.51.100.9:5"
		if got := p.Of(r); got.Addr != r.RemoteAddr {
			t.Errorf("%s of somebody who is not trusted: %s", c.name, got.Addr)
		}
	}
}

// A proxy that tells the address in the header that is not read is told of.
func TestForwardedInTheOtherHeader(t *testing.T) {
	var told string
	p, err := New(Config{Trusted: []string{"10.0.0.0/8"}, Odd: func(_, value string) { told = value }}, new(wheel.Wheel))
	if err != nil {
		t.Fatal(err)
	}
	p.Of(&http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{"Forwarded": {"for=203.0.113.7"}}})
	if !strings.Contains(told, "Forwarded: for=203.0.113.7") {
		t.Errorf("told %q", told)
	}
}

// What could not work is refused at start.
func TestForwardedConfig(t *testing.T) {
	for want, c := range map[string]Config{
		"ClientIPHeader: \"X-Real-IP\" is believed from TrustedProxies only": {Header: "X-Real-IP"},
		"not the name of a header":          {Header: "X-Real-IP, Forwarded", Trusted: []string{"::1"}},
		"TrustedProxies: \"localhost\"":     {Trusted: []string{"localhost"}},
		"TrustedProxies: \"10.0.0.0/33\"":   {Trusted: []string{"10.0.0.0/33"}},
		"TrustedProxies: \"10.0.0.1:8080\"": {Trusted: []string{"10.0.0.1:8080"}},
	} {
		if _, err := New(c, new(wheel.Wheel)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
