package origin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// List is a set of origins. The zero value is empty.
type List struct {
	exact     map[string]bool
	patterns  []pattern
	self, all bool
}

// pattern is a listed origin that stands for many.
type pattern struct {
	scheme, host       string
	subdomain, anyPort bool
}

// NewList makes a List. The error says which entry is wrong, and what it wants.
func NewList(origins []string) (*List, error) {
	l := &List{exact: make(map[string]bool)}
	for _, o := range origins {
		switch o {
		case "*":
			l.all = true
			continue
		case "self":
			l.self = true
			continue
		case "null", "file://":
			l.exact[o] = true
			continue
		}
		p, err := parse(o)
		switch {
		case err != nil:
			return nil, err
		case p.anyPort || p.subdomain:
			l.patterns = append(l.patterns, p)
		default:
			l.exact[p.scheme+"://"+p.host] = true
		}
	}
	return l, nil
}

// All reports whether the list lets everybody in.
func (l *List) All() bool { return l.all }

// Allow is a Rule.
func (l *List) Allow(origin string, r *http.Request) bool {
	if l.all || l.self && Same(origin, r) {
		return true
	}
	scheme, host, ok := Split(origin)
	if !ok {
		return l.exact[strings.ToLower(origin)]
	}
	if l.exact[scheme+"://"+host] {
		return true
	}
	for _, p := range l.patterns {
		if p.match(scheme, host) {
			return true
		}
	}
	return false
}

func (p pattern) match(scheme, host string) bool {
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

// parse reads one entry. A slash at its end is no error: many tools copy it.
func parse(o string) (p pattern, err error) {
	bad := fmt.Errorf("%q is not an origin: want scheme://host or scheme://host:port, without a path, such as https://app.example "+
		"(pages in apps have origins, too: capacitor://localhost and https://localhost in Capacitor, ionic://localhost and http://localhost in Ionic, "+
		`"null" and "file://" in Electron where pages are files)%s`, o, inASCII(o))
	scheme, host, ok := strings.Cut(strings.ToLower(o), "://")
	if !ok {
		return p, bad
	}
	switch scheme {
	case "ws":
		scheme = "http"
	case "wss":
		scheme = "https"
	}
	p.scheme, p.host = scheme, trimPort(scheme, strings.TrimSuffix(host, "/"))
	if h, ok := strings.CutSuffix(p.host, ":*"); ok {
		p.anyPort, p.host = true, h
	}
	if h, ok := strings.CutPrefix(p.host, "*."); ok {
		p.subdomain, p.host = true, "."+h
	}
	u, err := url.Parse(scheme + "://" + strings.TrimPrefix(p.host, "."))
	if err != nil || u.Host == "" || u.Host != strings.TrimPrefix(p.host, ".") || strings.Contains(p.host, "*") || inASCII(o) != "" {
		return p, bad
	}
	if strings.HasPrefix(p.host, "[") {
		addr, err := netip.ParseAddr(u.Hostname())
		if err != nil {
			return p, bad
		}
		p.host = strings.Replace(p.host, u.Hostname(), addr.String(), 1) // as browsers write it
	}
	return p, nil
}
