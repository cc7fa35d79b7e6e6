package origin

import (
	"net"
	"net/netip"
	"strings"
)

// Hosts are the names a server answers to. With none it answers to all.
type Hosts []string

// Allow reports whether a request addressed to host is for this server. An IP
// address and localhost always are: nobody else can have a page there. A listed
// name stands for all its ports unless it has one, "*.b.example" for all
// subdomains of b.example.
func (h Hosts) Allow(host string) bool {
	if len(h) == 0 {
		return true
	}
	host = strings.ToLower(host)
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	for _, l := range h {
		l = strings.ToLower(l)
		if l == "*" || l == name || l == host {
			return true
		}
		if sub, ok := strings.CutPrefix(l, "*"); ok && strings.HasPrefix(sub, ".") && len(name) > len(sub) && strings.HasSuffix(name, sub) {
			return true
		}
	}
	return false
}
