package engineio

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
)

var (
	errPollOverlap  = errors.New("engineio: two polls at once")
	errPostOverlap  = errors.New("engineio: two posts at once")
	errPollAborted  = errors.New("engineio: the client gave up its poll")
	errPostAborted  = errors.New("engineio: the body of a post did not arrive")
	errBodyTooLarge = errors.New("engineio: body is too large")
	errContentType  = errors.New("engineio: binary content on revision 4")
	errPostPackets  = errors.New("engineio: too many packets in a payload")
	errUTF8         = errors.New("engineio: text is not UTF-8")
)

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// servePost takes the packets of a POST.
func (srv *Server) servePost(w http.ResponseWriter, r *http.Request, q *query, s *Session) {
	if !s.startPost() {
		srv.refuse(w, r, refusal{code: BadRequest, name: "OVERLAP"})
		return
	}
	no, tooLarge := srv.takePost(w, r, q, s)
	s.posted() // before the answer, after which the client may post again
	switch {
	case tooLarge:
		readable(w.Header(), r)
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case no != nil:
		srv.refuse(w, r, *no)
	default:
		if p := srv.adopt(w, r, q); p != nil {
			p.respondPosted(s)
			return
		}
		// text/html keeps some browsers from offering the answer as a download.
		w.Header().Set("Content-Type", "text/html")
		srv.write(w, r, s, []byte(okBody))
	}
}

// startPost fails if there is a POST already; then the session has ended.
func (s *Session) startPost() bool {
	s.mu.Lock()
	if s.posting {
		after := s.shutLocked(TransportError, errPostOverlap, false)
		s.mu.Unlock()
		after.run()
		return false
	}
	s.posting = true
	s.mu.Unlock()
	return true
}

// textForm is the form of a payload that is text.
func (s *Session) textForm() eiowire.Form {
	if s.proto < 4 {
		return eiowire.Text3
	}
	return eiowire.Text4
}

// takePost reads the body of a POST and delivers what is in it.
func (srv *Server) takePost(w http.ResponseWriter, r *http.Request, q *query, s *Session) (no *refusal, tooLarge bool) {
	octets := r.Header.Get("Content-Type") == "application/octet-stream"
	if octets && s.proto >= 4 { // CVE-2026-59725: this must be answered
		s.shut(TransportError, errContentType, false)
		return &refusal{code: BadRequest, name: "INVALID_CONTENT"}, false
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= 64<<10 {
			buf.Reset()
			bodies.Put(buf)
		}
	}()
	switch err := srv.readBody(buf, w, r); {
	case errors.Is(err, errBodyTooLarge):
		s.bound(BoundMaxPayload, "a body of more than "+strconv.FormatInt(srv.opts.MaxPayload, 10)+" bytes")
		return nil, true
	case err != nil:
		s.shut(TransportError, errPostAborted, false)
		return &refusal{code: BadRequest, name: "BODY"}, false
	}
	body := buf.Bytes()
	form := s.textForm()
	if octets {
		form = eiowire.Binary3
	}
	if q.j != "" {
		body = jsonpBody(body)
	}
	serve, err := s.receivePayload(form, body)
	srv.farewells.on(s, srv.connOf(r))
	if serve {
		srv.poller.Go((*serveTask)(s))
	}
	if err != nil {
		return &refusal{code: BadRequest, name: "PARSE_ERROR", err: err}, false
	}
	return nil, false
}

const okBody = "ok"

// posted ends a POST, and lets go on whoever had to wait for it.
func (s *Session) posted() {
	s.mu.Lock()
	s.posting = false
	s.wakeWaitingLocked()
	s.mu.Unlock()
}

func (srv *Server) readBody(buf *bytes.Buffer, w http.ResponseWriter, r *http.Request) error {
	limit := srv.opts.MaxPayload
	if limit >= 0 && r.ContentLength > limit {
		return errBodyTooLarge
	}
	if d := srv.opts.BodyTimeout; d > 0 {
		_ = host.SetReadDeadline(w, time.Now().Add(d))
	} else {
		_ = host.SetReadDeadline(w, time.Time{})
	}
	if err := grow(buf, r.Body, r.ContentLength, limit); err != nil {
		return err
	}
	_ = host.SetReadDeadline(w, time.Time{})
	_ = host.SetWriteDeadline(w, time.Time{}) // a paused session has its answer wait
	return nil
}

// grow reads all of body into buf, whose memory grows with what has come: to
// twice as much at most, and not beyond length where that is known, or limit.
func grow(buf *bytes.Buffer, body io.Reader, length, limit int64) error {
	for {
		if buf.Available() == 0 {
			n := int64(max(512, buf.Len()))
			if length >= 0 {
				n = min(n, length-int64(buf.Len())+1) // and one to see the end
			}
			if limit >= 0 {
				n = min(n, limit-int64(buf.Len())+1)
			}
			b := append(make([]byte, 0, int64(buf.Len())+max(1, n)), buf.Bytes()...)
			*buf = *bytes.NewBuffer(b)
		}
		b := buf.AvailableBuffer()
		n, err := body.Read(b[:cap(b)])
		_, _ = buf.Write(b[:n])
		switch {
		case limit >= 0 && int64(buf.Len()) > limit:
			return errBodyTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// receivePayload delivers the packets of a body. serve says that Served is to
// be called. An error has ended the session.
func (s *Session) receivePayload(form eiowire.Form, body []byte) (serve bool, err error) {
	if form != eiowire.Binary3 && !utf8.Valid(body) {
		s.shut(ParseError, errUTF8, false)
		return false, errUTF8
	}
	if !s.begin() {
		return false, nil // it has ended: nobody is interested
	}
	defer func() {
		serve, s.serve = s.serve, false
		s.end()
	}()
	defer func() {
		if v := recover(); v != nil {
			s.srv.panicked("Receiver.Receive", v, debug.Stack())
			s.shut(TransportError, errPanicked, false)
			err = errPanicked
		}
	}()
	limit := s.srv.opts.MaxPacketsPerPayload
	n := 0
	for d := eiowire.NewPayload(form, body); d.More(); n++ {
		if limit >= 0 && n == limit {
			s.mu.Lock()
			after := s.boundLocked(BoundMaxPackets, "more than "+strconv.Itoa(limit)+" packets in a payload")
			s.mu.Unlock()
			after.run()
			return false, errPostPackets
		}
		p, err := d.Next()
		if err != nil {
			s.shut(ParseError, err, false)
			return false, err
		}
		s.waitResumed()
		s.receive(p) // of one that is being closed, only the client's own close counts
	}
	return false, nil
}

// waitResumed waits while input is paused.
func (s *Session) waitResumed() {
	for {
		s.mu.Lock()
		if s.state.Load() != stateOpen || s.paused.Load() == nil {
			s.mu.Unlock()
			return
		}
		if s.resumed == nil {
			s.resumed = make(chan struct{})
		}
		resumed := s.resumed
		s.mu.Unlock()
		s.served() // what has come so far must be handled for input to go on
		<-resumed
	}
}

// served has Served called if that was asked for; during a payload.
func (s *Session) served() {
	if s.serve {
		s.serve = false
		s.srv.poller.Go((*serveTask)(s))
	}
}

// serveTask calls Served.
type serveTask Session

func (t *serveTask) Run() {
	s := (*Session)(t)
	defer s.srv.rescue("Receiver.Served")
	s.recv.Served()
}

// jsonpBody is the payload in a form that a page has posted: newlines in it are
// doubly escaped, since browsers change those of a form.
func jsonpBody(body []byte) []byte {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil // malformed, and refused as such
	}
	return []byte(unescapeForm.Replace(v.Get("d")))
}

var unescapeForm = strings.NewReplacer(`\\n`, `\n`, `\n`, "\n")
