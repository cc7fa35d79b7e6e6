package httpconn

import (
	"net/http"
	"strings"
	"testing"
)

// Header fields that are made for a request never come with the answer to
// another one, whatever their names: then each request is asked for again.
func TestFieldsOfOneRequest(t *testing.T) {
	for _, name := range []string{
		"X-User", "Set-Cookie", "Vary", "X-Request-Id", "X-Ratelimit-Remaining", "Retry-After", "Date", "Etag", "Server", "X-Powered-By", "Content-Security-Policy",
		"Content-Encoding", "Connection", "Link", "Access-Control-Allow-Origin",
		// Those that may be kept, with values that may not.
		"Strict-Transport-Security", "X-Frame-Options", "Referrer-Policy", "X-Content-Type-Options", "Expires", "Pragma",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, Config{}, nil)
			s.front = func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
				w.Header().Set(name, "for-"+r.Header.Get("X-Name"))
				return w
			}
			if name == "Connection" {
				s.front = func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
					w.Header().Set(name, "x-"+r.Header.Get("X-Name"))
					return w
				}
			}
			c := s.dial()
			for _, user := range []string{"alice", "bob", "carol"} {
				c.send(get("/ours?x", "X-Name: "+user))
				_, h := c.answer()
				if got := h.Get(name); !strings.HasSuffix(got, "-"+user) {
					t.Errorf("%s got %q", user, got)
				}
			}
			if n := s.served.Load(); n != 0 {
				t.Errorf("%d requests were not seen by what is in front", n)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		if sharable(http.Header{"X-Frame-Options": {"DENY", "DENY"}}) || sharable(http.Header{"Date": nil}) {
			t.Error("only one value is usual")
		}
	})
}

// Those of the application that are the same for all come with each answer.
func TestFieldsOfAll(t *testing.T) {
	s := newSite(t, Config{}, nil)
	s.front = func(w http.ResponseWriter, _ *http.Request) http.ResponseWriter {
		for name, values := range shared {
			w.Header().Set(name, values[len(values)-1])
		}
		w.Header().Set("Cache-Control", "private") // ours counts
		return w
	}
	c := s.dial()
	for range 3 {
		c.send(get("/ours?x"))
		_, h := c.answer()
		for name, values := range shared {
			if got := h.Get(name); got != values[len(values)-1] {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
	if n := s.served.Load(); need(t) && n != 2 {
		t.Errorf("%d of 3 requests were read here", n)
	}
}

// Whoever wraps the writer wants to see each answer.
func TestWrappedWriters(t *testing.T) {
	s := newSite(t, Config{}, nil)
	s.front = func(w http.ResponseWriter, _ *http.Request) http.ResponseWriter { return &late{ResponseWriter: w} }
	c := s.dial()
	for range 3 {
		c.send(get("/ours?x"))
		if _, h := c.answer(); h.Get("X-Late") != "yes" {
			t.Error("a header is missing")
		}
	}
}

// late sets a header when the answer begins, as sessions do.
type late struct{ http.ResponseWriter }

func (l *late) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func (l *late) Write(b []byte) (int, error) {
	l.Header().Set("X-Late", "yes")
	return l.ResponseWriter.Write(b)
}

// With another value of what decides who is let in, whoever decided is asked.
func TestAskedAgain(t *testing.T) {
	if !need(t) {
		return
	}
	s := newSite(t, Config{}, nil)
	c := s.taken()
	n := int64(1)
	for _, line := range []string{
		"Origin: http://a.example", "Origin: http://b.example", "X-Forwarded-Host: a.example", "X-Forwarded-Port: 1", "X-Forwarded-Proto: https",
		"Forwarded: host=a.example", "Sec-Fetch-Site: cross-site",
	} {
		for range 2 {
			c.send(get("/ours?x", line))
			c.wants("x")
		}
		if n++; s.byOther.Load() != n {
			t.Errorf("%s: %d requests were read by net/http, want %d", line, s.byOther.Load(), n)
		}
	}
	c.send("GET /ours?x HTTP/1.1\r\nHost: y\r\nSec-Fetch-Site: cross-site\r\n\r\n")
	c.wants("x")
	if n++; s.byOther.Load() != n {
		t.Error("another host is not noticed")
	}
}
