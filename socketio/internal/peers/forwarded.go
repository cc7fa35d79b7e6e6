package peers

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// forwardedHeader is the header of RFC 7239, whose entries have parts of their
// own. In any other an entry is an address.
const forwardedHeader = "Forwarded"

// usualHeader is what nearly all proxies write, and the default.
const usualHeader = "X-Forwarded-For"

// configure completes the part of p that says whom to believe. The error names
// the option that makes no sense.
func (p *Peers) configure(header string, trusted []string) error {
	switch {
	case header != "" && len(trusted) == 0:
		return fmt.Errorf("ClientIPHeader: %q is believed from TrustedProxies only, and there are none", header)
	case header == "" && len(trusted) > 0:
		header = usualHeader
	}
	if strings.ContainsFunc(header, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	}) {
		return fmt.Errorf("ClientIPHeader: %q is not the name of a header", header)
	}
	p.header = http.CanonicalHeaderKey(header)
	for _, t := range trusted {
		network, err := netip.ParsePrefix(t)
		if err != nil {
			addr, err := netip.ParseAddr(t)
			if err != nil {
				return fmt.Errorf("TrustedProxies: %q is neither an address nor a network", t)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		p.trusted = append(p.trusted, network.Masked())
	}
	return nil
}

// Of finds the client's address. The header is believed only as far as it was
// written by trusted proxies: from its end on.
func (p *Peers) Of(r *http.Request) Peer {
	return p.At(r.RemoteAddr, func(name string) []string { return r.Header[name] })
}

// At is Of for a request that has come from remote, with these values of its
// header fields, whose names are in canonical form.
func (p *Peers) At(remote string, field func(name string) []string) Peer {
	who, _, odd := p.walk(remote, field)
	if odd != "" && p.odd != nil {
		p.odd(p.header, odd)
	}
	return who
}

// Hosts lists the hosts to which the request was addressed, by what trusted
// proxies say in X-Forwarded-Host, X-Forwarded-Port and Forwarded. As with the
// client's address, each proxy is believed as far as those behind it are.
func (p *Peers) Hosts(r *http.Request) []string {
	if len(p.trusted) == 0 {
		return nil
	}
	_, depth, _ := p.walk(r.RemoteAddr, func(name string) []string { return r.Header[name] })
	if depth == 0 {
		return nil
	}
	var hosts []string
	port := lastOf(entries(r.Header["X-Forwarded-Port"]), 1)
	add := func(host string) {
		hosts = append(hosts, host)
		if len(port) == 1 && isDigits(port[0]) && !hasPort(host) {
			hosts = append(hosts, host+":"+port[0])
		}
	}
	for _, host := range lastOf(entries(r.Header["X-Forwarded-Host"]), depth) {
		add(unquote(host))
	}
	for _, e := range lastOf(entries(r.Header[forwardedHeader]), depth) {
		if host := parameter(e, "host"); host != "" {
			add(host)
		}
	}
	add(r.Host)
	return hosts
}

// Claimed lists the hosts that anybody between the client and here says the
// request was addressed to, whether they are to be believed or not.
func Claimed(h http.Header) []string {
	var hosts []string
	for _, host := range entries(h["X-Forwarded-Host"]) {
		hosts = append(hosts, unquote(host))
	}
	for _, e := range entries(h[forwardedHeader]) {
		if host := parameter(e, "host"); host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// walk goes from the connection towards the client for as long as those on the
// way are trusted. depth is how many of them are. odd is what a trusted one has
// written that is no address, if that ended the way.
func (p *Peers) walk(remote string, field func(name string) []string) (who Peer, depth int, odd string) {
	who.Addr = remote
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote // a unix socket, or a test
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		addr = netip.Addr{}
	}
	if len(p.trusted) > 0 && p.trusts(addr) {
		list := entries(field(p.header))
		depth = 1
		if len(list) == 0 {
			odd = p.otherHeader(field)
		}
		for i := len(list) - 1; i >= 0; i-- {
			next, ok := p.address(list[i])
			if !ok {
				odd = cmp.Or(list[i], "(nothing)")
				break
			}
			addr, who.Addr = next, next.String()
			if !p.trusts(addr) {
				break
			}
			depth++
		}
	}
	who.Key = keyOf(addr)
	return who, depth, odd
}

// otherHeader is what a trusted proxy writes in the header that is not read.
func (p *Peers) otherHeader(field func(name string) []string) string {
	for _, name := range []string{usualHeader, forwardedHeader} {
		if list := field(name); name != p.header && len(list) > 0 {
			return name + ": " + list[len(list)-1]
		}
	}
	return ""
}

// address reads an entry of the header: 192.0.2.1, 192.0.2.1:80, 2001:db8::1,
// [2001:db8::1], [2001:db8::1]:80, any of them in quotes, and in Forwarded the
// same behind for=.
func (p *Peers) address(entry string) (netip.Addr, bool) {
	if p.header == forwardedHeader {
		entry = parameter(entry, "for")
	} else {
		entry = unquote(entry)
	}
	if addr, err := netip.ParseAddr(entry); err == nil {
		return addr, true
	}
	if ap, err := netip.ParseAddrPort(entry); err == nil {
		return ap.Addr(), true
	}
	if inner, ok := strings.CutPrefix(entry, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			addr, err := netip.ParseAddr(inner)
			return addr, err == nil && addr.Is6()
		}
	}
	return netip.Addr{}, false
}

// entries splits lists at their commas, except those in quotes. It reads from
// the end, which is what the nearest proxy has written: a quote that a client
// has left open ends with that client's own text.
func entries(lists []string) []string {
	var all []string
	for i := len(lists) - 1; i >= 0; i-- {
		list := lists[i]
		end, quoted := len(list), false
		for j := len(list) - 1; j >= -1; j-- {
			switch {
			case j >= 0 && list[j] == '"' && !escaped(list, j):
				quoted = !quoted
			case j == -1 || list[j] == ',' && !quoted:
				all = append(all, strings.Trim(list[j+1:end], " \t"))
				end = j
			}
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// escaped reports whether the byte at i follows an odd number of backslashes.
func escaped(s string, i int) bool {
	n := 0
	for i--; i >= 0 && s[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// parameter finds name=value in an entry of Forwarded. An entry that has it
// twice, or a quote that does not end, has none.
func parameter(entry, name string) (value string) {
	found := false
	for entry != "" {
		var pair string
		pair, entry = cutPair(entry)
		k, v, ok := strings.Cut(pair, "=")
		if !ok || !strings.EqualFold(strings.Trim(k, " \t"), name) {
			continue
		}
		if found {
			return ""
		}
		found, value = true, unquote(strings.Trim(v, " \t"))
	}
	return value
}

// cutPair cuts an entry of Forwarded at its first semicolon outside of quotes.
func cutPair(entry string) (pair, rest string) {
	quoted := false
	for i := range len(entry) {
		switch {
		case entry[i] == '"' && !escaped(entry, i):
			quoted = !quoted
		case entry[i] == ';' && !quoted:
			return entry[:i], entry[i+1:]
		}
	}
	return entry, ""
}

// unquote takes the quotes off a string that has them. Nothing that is read
// here has a backslash in it: such a string stays what it is, and is no address.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

func lastOf(list []string, n int) []string { return list[max(0, len(list)-n):] }

func hasPort(host string) bool {
	_, _, err := net.SplitHostPort(host)
	return err == nil
}

func isDigits(s string) bool { return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == "" }
