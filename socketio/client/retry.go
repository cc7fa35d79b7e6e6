package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// retries is what waits for its turn with Options.Retries: the first is on its
// way, all others follow one by one. Socket.mu guards it.
type retries struct {
	list   []*attempted
	bytes  int
	flying bool        // the first was sent, and may be acknowledged yet
	timer  *time.Timer // ends that wait
}

// An attempted event is sent until it is acknowledged, or has been too often.
type attempted struct {
	event string
	e     siowire.Encoded
	wait  *wait
	asked bool // somebody waits for the answer
	tries int
}

// enqueueLocked takes an event for its turn. With the same number each time: an
// answer that comes after the next attempt is one as well.
func (s *Socket) enqueueLocked(a *attempted) error {
	r := &s.retries
	if s.c.ctx.Err() != nil {
		return ErrClosed
	}
	size := sizeOf(a.e)
	if r.bytes+size > s.c.opts.BufferBytes {
		return ErrBufferFull
	}
	r.list, r.bytes = append(r.list, a), r.bytes+size
	s.acks[a.wait.id] = a.wait
	s.nextLocked()
	return nil
}

// nextLocked sends the first event, unless it is on its way.
func (s *Socket) nextLocked() {
	r := &s.retries
	if r.flying || s.conn == nil || len(r.list) == 0 {
		return
	}
	a, patience := r.list[0], s.c.opts.AckTimeout
	switch err := s.conn.emit(a.e); {
	case errors.Is(err, ErrDisconnected): // which the socket is about to learn
		return
	case err != nil && patience <= 0: // there is no room now
		patience = time.Second
	}
	a.tries++
	r.flying = true
	if patience > 0 {
		tries := a.tries
		r.timer = time.AfterFunc(patience, func() { s.late(a, tries) })
	}
}

// landLocked ends an attempt. The first event stays.
func (s *Socket) landLocked() {
	r := &s.retries
	r.flying = false
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// takeLocked takes out the event that w waits for, wherever it is.
func (s *Socket) takeLocked(w *wait) {
	r := &s.retries
	i := slices.IndexFunc(r.list, func(a *attempted) bool { return a.wait == w })
	if i < 0 {
		return
	}
	r.bytes -= sizeOf(r.list[i].e)
	r.list = slices.Delete(r.list, i, i+1)
	if i == 0 {
		s.landLocked()
		s.nextLocked()
	}
}

// late is an attempt that was not acknowledged in time.
func (s *Socket) late(a *attempted, tries int) {
	s.mu.Lock()
	r := &s.retries
	if !r.flying || r.list[0] != a || a.tries != tries {
		s.mu.Unlock()
		return
	}
	s.landLocked()
	over := s.overLocked()
	s.nextLocked()
	s.mu.Unlock()
	s.giveUp(over, fmt.Errorf("%w: %q, sent %d times", ErrAckTimeout, a.event, tries))
}

// overLocked takes the first event out if it was sent too often, and returns it.
func (s *Socket) overLocked() *attempted {
	r := &s.retries
	if len(r.list) == 0 || r.list[0].tries <= s.c.opts.Retries {
		return nil
	}
	a := r.list[0]
	delete(s.acks, a.wait.id)
	s.takeLocked(a.wait)
	return a
}

// giveUp tells who waits for an event, or nobody, that it was sent too often.
func (s *Socket) giveUp(a *attempted, err error) {
	if a == nil {
		return
	}
	if !a.asked {
		s.c.log().Warn("client: an event was given up that nobody has acknowledged", "namespace", s.nsp, "event", a.event, "error", err)
	}
	a.wait.err = err
	close(a.wait.done)
}

// dropLocked forgets all.
func (s *Socket) dropLocked() {
	s.landLocked()
	s.retries.list, s.retries.bytes = nil, 0
}

func sizeOf(e siowire.Encoded) int {
	size := len(e.Text) + len(e.Binary)
	for _, a := range e.Attachments {
		size += len(a)
	}
	return size
}
