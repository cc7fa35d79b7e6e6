package engineio

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
)

// poll is a GET of the polling transport that waits for packets. Session.mu
// guards it.
type poll struct {
	task  waiter
	woken bool
	late  *lateTask // it came when a websocket was about to take over
	last  *Message  // what answers it if the session has let go of it; nil refuses it
}

// waiter has a poll answered: soon, by somebody who calls Session.take.
type waiter interface{ wake() }

func (p *poll) wake() {
	if !p.woken {
		p.woken = true
		p.task.wake()
	}
}

// held is the waiter that is a goroutine of net/http.
type held chan struct{}

func (h held) wake() { close(h) }

// lateHold is how long a poll is held that comes while a websocket is about to
// take over. By then the client has completed the upgrade, and the poll is
// refused, or it waits for this poll.
const lateHold = 100 * time.Millisecond

// polling is a session as the transport that it begins with: the client comes
// for what waits, by a poll.
type polling Session

func (t *polling) name() string { return pollingName }

func (t *polling) pushes() bool { return false }

func (t *polling) listens() bool { return t.poll != nil }

func (t *polling) ready() bool { return false }

func (t *polling) write(*Message, Flags) error { return errTransportFull }

func (t *polling) writeBuffer(*Buffer, Flags) bool { return false }

func (t *polling) push() {}

func (t *polling) flush() {
	if t.poll != nil {
		t.poll.wake()
	}
}

func (t *polling) buffered() int { return int(t.flying.Load()) }

func (t *polling) resume(bool) {} // each POST waits by itself

func (t *polling) finish(_ bool, last *Message) {
	p := t.poll
	if p == nil {
		return
	}
	if last == nil && p.late == nil {
		last = noopMessage
	}
	t.release(last)
}

// release has the poll that is held answered with m alone, or refused without.
func (t *polling) release(m *Message) {
	p := t.poll
	t.poll, p.last = nil, m
	p.wake()
}

// letGoLocked releases a poll that a client has to have back before it completes
// its upgrade.
func (s *Session) letGoLocked() {
	if p := s.poll; p != nil && !p.woken && p.late == nil {
		(*polling)(s).release(noopMessage)
	}
}

// lateTask releases a poll that came while an upgrade was under way.
type lateTask struct {
	wheel.Timer
	s      *Session
	p      *poll
	looked bool
}

// lastLook is how long before the release the probe is asked to look at its
// input: what came before the poll must count, however busy the machine is.
const lastLook = 5 * time.Millisecond

// Run implements wheel.Runner.
func (t *lateTask) Run() {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.poll != t.p || t.p.late != t || t.p.woken:
	case s.upgrade != nil && !t.looked:
		t.looked = true
		s.upgrade.to.resume(true)
		s.srv.wheel.After(lastLook, &t.Timer, t)
	default:
		(*polling)(s).release(noopMessage)
	}
}

// startPoll makes p the poll of the session. ok is false if there is one
// already: then the session has ended. ready says that p can be answered now.
func (s *Session) startPoll(p *poll) (ready, ok bool) {
	s.mu.Lock()
	if s.poll != nil {
		after := s.shutLocked(TransportError, errPollOverlap, false)
		s.mu.Unlock()
		after.run()
		return false, false
	}
	if s.state.Load() == stateClosed || s.transport.pushes() {
		s.mu.Unlock()
		if s.srv.farewells.take(s.id) {
			p.last, p.woken = noopMessage, true
			return true, true
		}
		return false, false
	}
	s.poll = p
	if len(s.queue) > 0 || s.state.Load() == stateClosing {
		p.woken = true
	} else if s.upgrade != nil && s.upgrade.probed {
		p.late = &lateTask{s: s, p: p}
		s.srv.wheel.After(lateHold-lastLook, &p.late.Timer, p.late)
	}
	ready = p.woken
	s.mu.Unlock()
	return ready, true
}

// overtaken is why a poll is refused that take has nothing for.
var overtaken = refusal{code: BadRequest, name: "TRANSPORT_MISMATCH", context: map[string]any{"transport": pollingName, "previousTransport": websocketName}}

// take is what answers p now: what has gathered for it, in order. It is nil if p
// is to be refused, as a websocket has become the transport.
func (s *Session) take(p *poll) []queued {
	s.mu.Lock()
	if s.poll != p {
		last := p.last
		s.mu.Unlock()
		if last == nil {
			return nil
		}
		return []queued{{last, 0}}
	}
	s.poll = nil
	batch := s.portionLocked()
	var after aftermath
	// The close packet comes alone: clients handle it at once, and the messages
	// of the same payload a moment later, when they count as disconnected.
	if s.state.Load() == stateClosing && len(batch) == 0 {
		batch = []queued{{closeMessage, 0}}
		after = s.endLocked(false, closeMessage)
	}
	s.mu.Unlock()
	after.run()
	s.srv.polled(s, batch)
	return batch
}

// abandon ends the session because the client of p has gone away.
func (s *Session) abandon(p *poll) {
	s.mu.Lock()
	var after aftermath
	if s.poll == p {
		s.poll = nil
		after = s.shutLocked(TransportError, errPollAborted, false)
	}
	s.mu.Unlock()
	after.run()
}

// servePoll answers a GET of an existing session.
func (srv *Server) servePoll(w http.ResponseWriter, r *http.Request, q *query, s *Session) {
	if p := srv.adopt(w, r, q); p != nil {
		p.hold(s, nil)
		return
	}
	h := make(held)
	p := &poll{task: h}
	ready, ok := s.startPoll(p)
	if !ok {
		srv.refuse(w, r, refusal{code: BadRequest, name: "OVERLAP"})
		return
	}
	if !ready {
		// The server's deadlines are for requests that are answered at once.
		_ = host.SetReadDeadline(w, time.Time{}) // not all writers can: then there is none to lift
		_ = host.SetWriteDeadline(w, time.Time{})
		if !srv.await(w, r, h) {
			s.abandon(p)
			return
		}
		s.excuse(p)
	}
	batch := s.take(p)
	if batch == nil {
		srv.refuse(w, r, overtaken)
		return
	}
	srv.answerPoll(w, r, q, s, batch)
}

// answerPoll writes the packets of batch as the answer to r.
func (srv *Server) answerPoll(w http.ResponseWriter, r *http.Request, q *query, s *Session, batch []queued) {
	body, form, compress := s.payload(batch)
	header := w.Header()
	header.Set("Content-Type", form.ContentType())
	if q.j != "" {
		header.Set("Content-Type", "text/javascript; charset=UTF-8")
		header.Set("X-Content-Type-Options", "nosniff")
		body = appendJSONP(nil, q.j, body)
	}
	if compress && !srv.opts.DisableHTTPCompression && len(body) >= srv.opts.HTTPCompressionThreshold {
		header.Add("Vary", "Accept-Encoding")
		if name, packed := compressFor(r.Header.Get("Accept-Encoding"), body); name != "" {
			header.Set("Content-Encoding", name)
			body = packed
		}
	}
	s.flying.Add(int32(len(body)))
	defer s.flying.Add(-int32(len(body)))
	if !srv.write(w, r, s, body) {
		s.shut(TransportError, errPollAborted, false)
	}
}

// payload encodes the packets of batch, for the client of s.
func (s *Session) payload(batch []queued) (body []byte, form eiowire.Form, compress bool) {
	size, binary, beyondASCII := 0, false, false
	for _, q := range batch {
		size += q.m.size + 16*q.m.packets()
		binary = binary || q.m.hasBinary()
		beyondASCII = beyondASCII || s.proto < 4 && !isASCII(q.m.data)
		compress = compress || q.f&NoCompress == 0
	}
	form = eiowire.Text4
	if s.proto < 4 {
		form = eiowire.Text3
		// Browsers of socket.io-client 1.x misread a text payload that is not ASCII,
		// as they count its bytes. All of revision 3 read the binary form.
		if (binary || beyondASCII) && !s.hs.b64 {
			form = eiowire.Binary3
		}
	}
	if binary && form != eiowire.Binary3 {
		size += size / 3
	}
	body = make([]byte, 0, size)
	for _, q := range batch {
		body = q.m.appendTo(body, form)
	}
	return body, form, compress
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// write sends a 200 with body. It reports whether the client may have got it.
func (srv *Server) write(w http.ResponseWriter, r *http.Request, s *Session, body []byte) bool {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if ua := r.Header.Get("User-Agent"); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		header.Set("X-XSS-Protection", "0") // they take a payload for an attack
	}
	srv.hookHeaders(header, r, s)
	if d := srv.opts.WriteTimeout; d > 0 {
		_ = host.SetWriteDeadline(w, time.Now().Add(d))
		defer func() { _ = host.SetWriteDeadline(w, time.Time{}) }() // what comes next on the connection may not be ours
	}
	later := host.HoldsBack(w)
	w.WriteHeader(http.StatusOK) // Gin's NoRoute has set another one
	if host.Write(w, body) != nil {
		return false
	}
	if later {
		return true
	}
	err := host.Flush(w)
	return err == nil || host.Unsupported(err)
}
