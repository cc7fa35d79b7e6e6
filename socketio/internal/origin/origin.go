package origin

import (
	"net/http"
	"strings"
)

// Rule says whether pages of an origin may use the server.
type Rule func(origin string, r *http.Request) bool

// Of is the origin that the request names, "" if it names none. A request that
// names several, which no browser does, names none that any rule knows.
func Of(r *http.Request) string {
	switch all := r.Header["Origin"]; len(all) {
	case 0:
		return ""
	case 1:
		return all[0]
	default:
		return strings.Join(all, ", ")
	}
}

// Allowed asks rule: about r as it stands and, if that is not let in, as if it
// were addressed to each of hosts.
func Allowed(rule Rule, origin string, r *http.Request, hosts []string) bool {
	if rule(origin, r) {
		return true
	}
	for _, host := range hosts {
		if host == r.Host {
			continue
		}
		as := r.WithContext(r.Context())
		as.Host = host
		if rule(origin, as) {
			return true
		}
	}
	return false
}

// Same reports whether a page of origin is of the host that r is addressed to.
// What the browser says in Sec-Fetch-Site is its own word, which no page can
// change: it counts, for and against.
func Same(origin string, r *http.Request) bool {
	scheme, host, ok := Split(origin)
	if !ok {
		return false
	}
	if site, ok := r.Header["Sec-Fetch-Site"]; ok && !(len(site) == 1 && site[0] == "none") {
		if len(site) != 1 || site[0] != "same-origin" {
			return false
		}
		return true
	}
	if r.TLS != nil && scheme != "https" {
		return false
	}
	return host == trimPort(scheme, strings.ToLower(r.Host))
}

// Split takes the origin of a page that came by HTTP apart, in lower case and
// without the port that its scheme implies. Programs write ws and wss for http
// and https, and some a path behind the host: that changes nothing.
func Split(origin string) (scheme, host string, ok bool) {
	scheme, host, ok = strings.Cut(strings.ToLower(origin), "://")
	if !ok {
		return "", "", false
	}
	switch scheme {
	case "http", "https":
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	default:
		return "", "", false
	}
	host, _, _ = strings.Cut(host, "/")
	// What browsers and other programs could take for the end of the host, or its
	// beginning, is in no host.
	if host == "" || strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`?#@\,;"'<>|^%*`, c) }) {
		return "", "", false
	}
	host = trimPort(scheme, host)
	return scheme, host, host != ""
}

// trimPort takes off a port that scheme implies, and one that is empty.
func trimPort(scheme, host string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	if h, ok := strings.CutSuffix(host, port); ok {
		return h
	}
	return strings.TrimSuffix(host, ":")
}
