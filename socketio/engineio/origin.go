package engineio

import (
	"net/http"
	"regexp"
	"slices"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/origin"
)

// OriginRule says whether pages of an origin may use the server. origin is the
// Origin header as the browser sent it, "null" included. Requests without one
// come from programs, or from the page's own server, and are let in unasked.
// So are requests with the id of a session, which only those know whose
// handshake was let in (unless Options.JSONP lets other pages know it).
//
// Behind TrustedProxies a rule that says no is asked again for each host to
// which these say that the request was addressed, with that as r.Host.
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
	// Where the browser says in Sec-Fetch-Site whether the page is of the same
	// origin, that counts: proxies may change the Host header, not what the
	// browser knows. ws and wss count as http and https, and a path is ignored.
	SameOrigin OriginRule = sameOrigin{}
	// AnyOrigin lets every page in.
	AnyOrigin OriginRule = anyOrigin{}
)

type sameOrigin struct{}

func (sameOrigin) AllowOrigin(from string, r *http.Request) bool { return origin.Same(from, r) }

// isFixed reports whether what rule says of a request follows from those header
// fields that requests on one connection have in common (see httpconn): not if
// it is a function of the application, which may look at anything.
func isFixed(rule OriginRule) bool {
	switch rule.(type) {
	case nil, anyOrigin, sameOrigin, fixedRule:
		return true
	}
	return false
}

// fixedRule is a rule of this package.
type fixedRule func(origin string, r *http.Request) bool

func (f fixedRule) AllowOrigin(origin string, r *http.Request) bool { return f(origin, r) }

type anyOrigin struct{}

func (anyOrigin) AllowOrigin(string, *http.Request) bool { return true }

// OriginPattern lets origins in that match re. Mind the anchors: `\.a\.example$`
// is also the end of an origin that somebody else owns, if the scheme is left open.
func OriginPattern(re *regexp.Regexp) OriginRule {
	return fixedRule(func(origin string, _ *http.Request) bool { return re.MatchString(origin) })
}

// OriginList is ParseOrigins for lists that are written in the program: it
// panics on a wrong one, at start, where a misspelt origin is noticed.
func OriginList(origins ...string) OriginRule {
	rule, err := ParseOrigins(origins...)
	if err != nil {
		panic("engineio: " + err.Error())
	}
	return rule
}

// ParseOrigins makes a rule that lets in exactly the listed origins, such as
// "https://a.example", "http://localhost:3000" or, for the pages in apps,
// "capacitor://localhost". "self" stands for the server's own pages, as with
// SameOrigin, "https://*.b.example" for all subdomains of b.example, not
// b.example itself, "http://localhost:*" for all ports, "*" for everybody, and
// "null" and "file://" for the origins of these names. Letter case, a slash at
// the end and a port that the scheme implies make no difference, and ws and wss
// count as http and https. The error says which entry is none of these.
func ParseOrigins(origins ...string) (OriginRule, error) {
	list, err := origin.NewList(origins)
	switch {
	case err != nil:
		return nil, err
	case list.All():
		return AnyOrigin, nil
	}
	return fixedRule(list.Allow), nil
}

// Hosts are the names under which a server is known. It is a defence against
// DNS rebinding: a foreign page whose name is made to lead to the server is of
// the same origin as what it asks for, and only the name tells it apart. A
// server that everybody may use anyway does not need it; one on a loopback or a
// private address, without a login, does. IP addresses and localhost are always
// allowed, as no foreign page can have them for its name. A name stands for all
// its ports unless it has one, "*.b.example" for all subdomains. New panics if one
// of them is no host.
type Hosts []string

// Allow reports whether a request addressed to host is for this server. An empty
// list allows all.
func (h Hosts) Allow(host string) bool { return origin.Hosts(h).Allow(host) }

// Check returns an error that names an entry which is no host.
func (h Hosts) Check() error { return origin.Hosts(h).Check() }

// checkHost refuses a request that is addressed to somebody else.
func (srv *Server) checkHost(r *http.Request) *refusal {
	if h := srv.opts.Hosts; h.Allow(r.Host) || slices.ContainsFunc(srv.peers.Hosts(r), h.Allow) {
		return nil
	}
	return &refusal{
		code: Forbidden, name: "HOST",
		text:    "Forbidden: this server is not known under that name (the server's option Hosts lists those it has)",
		context: map[string]any{"host": r.Host},
	}
}

// checkOrigin refuses pages that may not connect. s is the session that the
// request names. A page that knows its id has been let in before, or could not
// have read it, except by JSONP.
func (srv *Server) checkOrigin(r *http.Request, s *Session) *refusal {
	from := origin.Of(r)
	if from == "" || s != nil && !srv.opts.JSONP {
		return nil
	}
	if srv.allowed(from, r) {
		return nil
	}
	var advice string
	srv.guard("Origins", func() { advice = origin.Advice(from, r, srv.peers.Hosts(r)) })
	return &refusal{
		code:    Forbidden,
		name:    "ORIGIN",
		text:    "Forbidden: pages of the origin " + clip.Quoted(from) + " may not connect (the server's option Origins says which may): " + advice,
		context: map[string]any{"origin": from},
	}
}

// allowed asks Options.Origins.
func (srv *Server) allowed(from string, r *http.Request) (ok bool) {
	srv.guard("Origins", func() {
		ok = origin.Allowed(srv.opts.Origins.AllowOrigin, from, r, srv.peers.Hosts(r))
	})
	return ok
}
