package origin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// Guide is where recipes for proxies are.
const Guide = "docs/guide/proxies.md"

// Advice is what to do if the page of origin, which has been refused, should
// have been let in. hosts are those that trusted proxies have told of.
func Advice(origin string, r *http.Request, hosts []string) string {
	const list = "add the origin to Origins (--origins)"
	if origin == "null" {
		return `"null" is what a browser says of a page that has no origin, such as a file or a sandboxed frame: ` + list + ` if all of these may connect`
	}
	scheme, host, ok := Split(origin)
	if !ok {
		return "if this is the page of an app, " + list
	}
	for _, claimed := range peers.Claimed(r.Header) {
		if trimPort(scheme, strings.ToLower(claimed)) == host && !slices.Contains(hosts, claimed) {
			return "a proxy has changed the Host header and says so, and is not believed: " + line(host, r) + ", or add the proxy's address to TrustedProxies (--trusted-proxies), see " +
				Guide + "; if it is no proxy of yours, " + list
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "same-site" || site == "cross-site" {
		return "its browser says that the page is of another site: " + list + " if it may connect"
	}
	return "if it is the server's own page, a proxy in between has changed the Host header: " + line(host, r) + ", see " + Guide + "; if it is another site's, " + list
}

// line is what to write for the proxy that r has likely come through.
func line(host string, r *http.Request) string {
	const nginx = "proxy_set_header Host $http_host;"
	page, _, err := net.SplitHostPort(host)
	switch h := r.Header; {
	case h.Get("X-Forwarded-Server") != "":
		return "in Apache set ProxyPreserveHost On"
	case err == nil && strings.EqualFold(page, r.Host):
		return "the port is missing, as nginx's $host has none: set " + nginx
	case h.Get("Connection") == "upgrade" || h.Get("X-Real-Ip") != "":
		return "in nginx set " + nginx // browsers write Upgrade
	case isLoopback(host) && isLoopback(r.Host):
		return "a development proxy such as Vite's must be without changeOrigin and rewriteWsOrigin, and nginx needs " + nginx
	}
	return "in nginx set " + nginx + " in Apache ProxyPreserveHost On"
}

func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}
