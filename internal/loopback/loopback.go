package loopback

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Asks reports whether a request comes from this machine, for a name of this
// machine (no page can have its own name lead here), and not through a proxy, as
// far as that can be told. A proxy on this machine that puts a name of this
// machine in the place of its own is told by the headers that it adds, by
// HTTP/1.0, which nginx speaks unless told otherwise and browsers do not, and by
// the origin of its pages; one that does none of that is not told.
func Asks(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return false
	}
	for name := range r.Header {
		if hop(name) {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() || !names(r.Host) {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && names(u.Host)
}

// hop reports whether a header, in its canonical form, is one that proxies add.
func hop(name string) bool {
	switch name {
	case "Forwarded", "Via", "Cdn-Loop", "X-Real-Ip":
		return true
	}
	for _, prefix := range []string{"X-Forwarded-", "X-Original-", "X-Envoy-", "Cf-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasSuffix(name, "-Client-Ip") || strings.HasSuffix(name, "-Client-Address")
}

// names reports whether host, with or without a port, is this machine.
func names(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
