package origin

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Hosts are the names a server answers to. With none it answers to all.
type Hosts []string

// Check says which entry no request could be addressed to.
func (h Hosts) Check() error {
	for _, l := range h {
		name, port := cutPort(l)
		name = strings.TrimPrefix(name, "*.")
		_, err := netip.ParseAddr(name)
		if l != "*" && err != nil && (name == "" || !isName(name) || port != "" && !isDigits(port)) {
			return fmt.Errorf("%q is not a host such as app.example, app.example:8443 or *.app.example%s", l, inASCII(l))
		}
	}
	return nil
}

// Allow reports whether a request addressed to host is for this server. An IP
// address and localhost always are: nobody else can have a page there. A listed
// name stands for all its ports unless it has one, "*.b.example" for all
// subdomains of b.example. A dot at the end changes nothing.
func (h Hosts) Allow(host string) bool {
	if len(h) == 0 {
		return true
	}
	name, port := cutPort(host)
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	for _, l := range h {
		if l == "*" {
			return true
		}
		listed, p := cutPort(l)
		if p != "" && p != port && !(port == "" && (p == "80" || p == "443")) {
			continue
		}
		if sub, ok := strings.CutPrefix(listed, "*"); listed == name || ok && strings.HasPrefix(sub, ".") && len(name) > len(sub) && strings.HasSuffix(name, sub) {
			return true
		}
	}
	return false
}

// cutPort takes a host apart, in lower case. The name of an IPv6 address is
// without its brackets.
func cutPort(host string) (name, port string) {
	name = strings.ToLower(host)
	if n, p, err := net.SplitHostPort(name); err == nil {
		name, port = n, p
	}
	return strings.TrimSuffix(strings.Trim(name, "[]"), "."), port
}

// isName reports whether browsers could write name for a host.
func isName(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// inASCII is what to do about a listed name that browsers write otherwise.
func inASCII(s string) string {
	if strings.ContainsFunc(s, func(c rune) bool { return c > 0x7f }) {
		return ": write it as browsers send it, in ASCII (xn--...)"
	}
	return ""
}
