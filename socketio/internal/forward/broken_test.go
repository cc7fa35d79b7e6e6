package forward

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// opaque is a writer that does not show what it is around.
type opaque struct{ http.Flusher }

func (w opaque) Header() http.Header         { return w.Flusher.(http.ResponseWriter).Header() }
func (w opaque) WriteHeader(status int)      { w.Flusher.(http.ResponseWriter).WriteHeader(status) }
func (w opaque) Write(b []byte) (int, error) { return w.Flusher.(http.ResponseWriter).Write(b) }

// An answer without a length that breaks off at its node, or on the way, does not
// look whole to the client, whatever it speaks, and whatever stands in front of the
// node that passes it on.
func TestBrokenAnswers(t *testing.T) {
	cut := make(chan struct{})
	b := start(t, "b", Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that has gone is seen below
		_, _ = io.WriteString(w, "a part")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-cut:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
		}
	}, false)
	var a *node
	recovers, hides := false, false
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if recovers {
			defer func() { _ = recover() }()
		}
		if hides {
			w = opaque{w.(http.Flusher)}
		}
		a.web.Config.Handler.ServeHTTP(w, r)
	})
	http1, http2 := httptest.NewServer(front), httptest.NewUnstartedServer(front)
	http2.EnableHTTP2 = true
	http2.StartTLS()
	defer http1.Close()
	defer http2.Close()
	for _, c := range []struct {
		name     string
		web      *httptest.Server
		body     string
		recovers bool
		hides    bool
		cut      func()
	}{
		{"HTTP/1, it dies", http1, "", false, false, func() { cut <- struct{}{} }},
		{"HTTP/2, it dies", http2, "", false, false, func() { cut <- struct{}{} }},
		{"HTTP/1, a long body", http1, strings.Repeat("x", 2*len(buffer{})), false, false, func() { cut <- struct{}{} }},
		{"HTTP/2, a long body", http2, strings.Repeat("x", 2*len(buffer{})), false, false, func() { cut <- struct{}{} }},
		{"HTTP/1, it is gone", http1, "", false, false, func() { a.Nodes(nil) }},
		{"HTTP/2, it is gone", http2, "", false, false, func() { a.Nodes(nil) }},
		{"HTTP/1, this one stops", http1, "", false, false, func() { a.Close() }},
		{"HTTP/2, this one stops", http2, "", false, false, func() { a.Close() }},
		{"HTTP/1, an opaque writer", http1, "", false, true, func() { cut <- struct{}{} }},
		{"HTTP/2, an opaque writer", http2, "", false, true, func() { cut <- struct{}{} }},
		{"HTTP/1, who recovers", http1, "", true, false, func() { cut <- struct{}{} }},
		{"HTTP/2, who recovers", http2, "", true, false, func() { cut <- struct{}{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a = start(t, "a", Config{}, nil, false)
			a.Nodes([]Node{b.as()})
			recovers, hides = c.recovers, c.hides
			resp, err := c.web.Client().Post(c.web.URL+"/?sid="+of("b"), "text/plain", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			part := make([]byte, len("a part"))
			if _, err := io.ReadFull(resp.Body, part); err != nil || resp.ContentLength >= 0 || resp.ProtoMajor == 2 != (c.web == http2) {
				t.Fatalf("%q, %v, length %d, %s", part, err, resp.ContentLength, resp.Proto)
			}
			c.cut()
			if rest, err := io.ReadAll(resp.Body); err == nil || len(rest) > 0 {
				t.Errorf("%q more, %v", rest, err)
			}
		})
	}
}

// onWrite tells when the client is about to get something.
type onWrite struct {
	http.ResponseWriter
	told func()
}

func (w onWrite) Write(b []byte) (int, error) {
	w.told()
	return w.ResponseWriter.Write(b)
}

// A client that has its answer may ask again at once: by then the one before does
// not count against the bound any more.
func TestAnswerGivesItsPlaceBack(t *testing.T) {
	b := start(t, "b", Config{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}, false)
	a := start(t, "a", Config{}, nil, false)
	a.Nodes([]Node{b.as()})
	told := 0
	a.web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Pass(onWrite{w, func() {
			told++
			if n, c := a.places.Len(), a.Counts()["passed"]; n != 0 || c != uint64(told) {
				t.Errorf("%d requests under way, %d passed, when the client has answer %d", n, c, told)
			}
		}}, r, a.Find(r.URL.Query().Get("sid")), peers.Key{}, false, nil)
	})
	for range 2 {
		if _, text := get(t, a.web.URL+"/?sid="+of("b")); text != "ok" {
			t.Error(text)
		}
	}
	if told != 2 {
		t.Errorf("told %d times", told)
	}
}
