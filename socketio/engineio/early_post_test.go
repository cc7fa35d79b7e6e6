package engineio

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// A client may post as soon as it has read the answer to its handshake, which
// is before the handshake's handler has returned. What it posts must not be
// lost.
func TestPostBeforeHandshakeReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		srv := New(nil, func(*Session) Receiver { return &earlyReceiver{&got} })
		defer srv.Close()
		w := &earlyWriter{ResponseRecorder: httptest.NewRecorder(), srv: srv}
		srv.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/engine.io/?EIO=4&transport=polling", nil))
		synctest.Wait()
		if strings.Join(got, " ") != "early" {
			t.Errorf("received %q, want early", got)
		}
		if w.answer == nil || w.answer.Code != http.StatusOK || w.answer.Body.String() != "ok" {
			t.Errorf("the post was answered with %v", w.answer)
		}
	})
}

type earlyReceiver struct{ got *[]string }

func (r *earlyReceiver) Receive(data []byte, _ bool) { *r.got = append(*r.got, string(data)) }
func (r *earlyReceiver) Served()                     {}
func (r *earlyReceiver) Closed(Reason, error)        {}

// earlyWriter posts while the answer to the handshake is being written.
type earlyWriter struct {
	*httptest.ResponseRecorder
	srv    *Server
	answer *httptest.ResponseRecorder
}

func (w *earlyWriter) Write(b []byte) (int, error) {
	_, sid, _ := strings.Cut(string(b), `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	go func() {
		answer := httptest.NewRecorder()
		w.srv.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/engine.io/?EIO=4&transport=polling&sid="+sid, strings.NewReader("4early")))
		w.answer = answer
	}()
	synctest.Wait() // the post has got as far as it can
	return w.ResponseRecorder.Write(b)
}
