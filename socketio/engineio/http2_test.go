package engineio

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Over HTTP/2, and over TLS, polls are left to net/http.
func TestPollingOverTLS(t *testing.T) {
	for _, two := range []bool{false, true} {
		opened := make(chan *echo, 1)
		srv := New(quiet(), func(s *Session) Receiver {
			e := &echo{s: s, closed: make(chan struct{})}
			opened <- e
			return e
		})
		ts := httptest.NewUnstartedServer(srv)
		ts.EnableHTTP2 = two
		ts.StartTLS()
		request := func(method, query, body string) string {
			req, err := http.NewRequest(method, ts.URL+"/engine.io/?"+query, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := ts.Client().Do(req)
			if err != nil {
				return err.Error()
			}
			defer res.Body.Close()
			if got := res.ProtoMajor == 2; got != two {
				t.Errorf("HTTP/%d", res.ProtoMajor)
			}
			b, _ := io.ReadAll(res.Body)
			return fmt.Sprint(res.StatusCode, " ", string(b))
		}
		request("GET", "EIO=4&transport=polling", "")
		e := <-opened
		if !e.s.Handshake().Secure() {
			t.Error("not secure")
		}
		q := "EIO=4&transport=polling&sid=" + e.s.ID()
		for range 3 {
			answer := make(chan string)
			go func() { answer <- request("GET", q, "") }()
			(&rig{t: t}).waitPoll(e)
			want(t, "post", request("POST", q, "4x"), "200 ok")
			want(t, "held poll", <-answer, "200 4x")
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		ts.Close()
	}
}

// A byte at a time is enough.
func TestOneByteWrites(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		s, _ := r.openWebSocket(4)
		go func() {
			for _, b := range maskedText("4hello") {
				if _, err := s.Write([]byte{b}); err != nil {
					t.Error(err)
				}
			}
		}()
		want(t, "echo", s.read(), "4hello")
	})
}
