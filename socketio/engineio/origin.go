package engineio

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// OriginRule says whether pages of an origin may use the server. origin is the
// Origin header as the browser sent it, "null" included. Requests without one
// come from programs, or from the page's own server, and are let in unasked.
type OriginRule interface {
	AllowOrigin(origin string, r *http.Request) bool
}

// OriginFunc makes an OriginRule of a function.
type OriginFunc func(origin string, r *http.Request) bool

// AllowOrigin calls f.
func (f OriginFunc) AllowOrigin(origin string, r *http.Request) bool { return f(origin, r) }

var (
	// SameOrigin lets in the pages of the host that the request is addressed
	// to, port included. If the connection has TLS the page must have it too; if
	// not, a proxy may have taken it off, so that http and https are both fine.
	SameOrigin OriginRule = OriginFunc(sameOrigin)
	// AnyOrigin lets every page in.
	AnyOrigin OriginRule = anyOrigin{}
)

type anyOrigin struct{}

func (anyOrigin) AllowOrigin(string, *http.Request) bool { return true }

func sameOrigin(origin string, r *http.Request) bool {
	scheme, host, ok := splitOrigin(origin)
	if !ok || r.TLS != nil && scheme != "https" {
		return false
	}
	return host == trimPort(scheme, strings.ToLower(r.Host))
}

// splitOrigin takes an http or https origin apart, in lower case and without
// the port that its scheme implies.
func splitOrigin(origin string) (scheme, host string, ok bool) {
	scheme, host, ok = strings.Cut(strings.ToLower(origin), "://")
	if !ok || host == "" || scheme != "http" && scheme != "https" || strings.ContainsAny(host, "/?#@ ") {
		return "", "", false
	}
	return scheme, trimPort(scheme, host), true
}

func trimPort(scheme, host string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// OriginPattern lets origins in that match re. Mind the anchors: `\.a\.example$`
// is also the end of an origin that somebody else owns, if the scheme is left open.
func OriginPattern(re *regexp.Regexp) OriginRule {
	return OriginFunc(func(origin string, _ *http.Request) bool { return re.MatchString(origin) })
}

// OriginList lets in exactly the listed origins, such as "https://a.example" or
// "http://localhost:3000". "https://*.b.example" stands for all subdomains of
// b.example, not b.example itself, "http://localhost:*" for all ports, "*" for
// everybody, and "null" for the origin of that name. Letter case and a port
// that the scheme implies make no difference. It panics on anything else, at
// start, where a misspelt origin is noticed.
func OriginList(origins ...string) OriginRule {
	exact := make(map[string]bool)
	var patterns []originPattern
	for _, o := range origins {
		switch p, wild, err := parseListed(o); {
		case o == "*":
			return AnyOrigin
		case err != nil:
			panic("engineio: " + err.Error())
		case wild:
			patterns = append(patterns, p)
		default:
			exact[p.scheme+"://"+p.host] = true
		}
	}
	return OriginFunc(func(origin string, _ *http.Request) bool {
		if origin == "null" {
			return exact["null://"]
		}
		scheme, host, ok := splitOrigin(origin)
		if !ok {
			return exact[strings.ToLower(origin)]
		}
		if exact[scheme+"://"+host] {
			return true
		}
		for _, p := range patterns {
			if p.match(scheme, host) {
				return true
			}
		}
		return false
	})
}

type originPattern struct {
	scheme, host       string
	subdomain, anyPort bool
}

func (p originPattern) match(scheme, host string) bool {
	if p.anyPort {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
			if strings.Contains(h, ":") {
				host = "[" + h + "]"
			}
		}
	}
	if p.subdomain {
		return scheme == p.scheme && len(host) > len(p.host) && strings.HasSuffix(host, p.host)
	}
	return scheme == p.scheme && host == p.host
}

func parseListed(o string) (p originPattern, wild bool, err error) {
	bad := fmt.Errorf("%q is not an origin: want scheme://host or scheme://host:port", o)
	if o == "null" {
		return originPattern{scheme: "null"}, false, nil
	}
	if o == "*" {
		return p, true, nil
	}
	scheme, host, ok := strings.Cut(strings.ToLower(o), "://")
	if !ok {
		return p, false, bad
	}
	p.scheme, p.host = scheme, trimPort(scheme, host)
	if h, ok := strings.CutSuffix(p.host, ":*"); ok {
		p.anyPort, p.host = true, h
	}
	if h, ok := strings.CutPrefix(p.host, "*."); ok {
		p.subdomain, p.host = true, "."+h
	}
	u, err := url.Parse(scheme + "://" + strings.TrimPrefix(p.host, "."))
	if err != nil || u.Host == "" || u.Host != strings.TrimPrefix(p.host, ".") || strings.Contains(p.host, "*") {
		return p, false, bad
	}
	return p, p.anyPort || p.subdomain, nil
}
