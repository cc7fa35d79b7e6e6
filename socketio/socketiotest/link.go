package socketiotest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// linkRoom is how many bytes each direction of a link holds before writing
// blocks: what a socket's buffers would.
const linkRoom = 64 << 10

// link makes the two ends of a connection in memory. Unlike net.Pipe it
// buffers, as a network does, and can be made to misbehave.
func link(client, server net.Addr) (a, b *end) {
	up, down := newHalf(), newHalf()
	return &end{in: down, out: up, local: client, remote: server}, &end{in: up, out: down, local: server, remote: client}
}

// end is one end of a link.
type end struct {
	in, out       *half
	local, remote net.Addr
}

func (e *end) Read(b []byte) (int, error)  { return e.in.read(b) }
func (e *end) Write(b []byte) (int, error) { return e.out.write(b) }
func (e *end) LocalAddr() net.Addr         { return e.local }
func (e *end) RemoteAddr() net.Addr        { return e.remote }

// Close ends both directions: the other side reads what is on its way, then io.EOF.
func (e *end) Close() error {
	e.out.finish(io.EOF, io.ErrClosedPipe)
	e.in.fail(net.ErrClosed, syscall.EPIPE)
	return nil
}

// cut breaks the link as a cable does that is torn out: nothing on its way arrives.
func (e *end) cut() {
	e.in.fail(syscall.ECONNRESET, syscall.ECONNRESET) // first: what the other side does about it is not to be seen
	e.out.fail(syscall.ECONNRESET, syscall.ECONNRESET)
}

func (e *end) SetDeadline(t time.Time) error {
	_ = e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.change(func(h *half) { h.readBy = t })
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.change(func(h *half) { h.writeBy = t })
	return nil
}

// half is one direction of a link.
type half struct {
	mu      sync.Mutex
	changed sync.Cond

	// Guarded by mu.
	chunks   []chunk
	size     int           // bytes in chunks
	delay    time.Duration // from writing to reading
	held     bool          // the reader takes nothing
	readErr  error         // what reading ends with; after the chunks, unless there are none left to wait for
	writeErr error
	readBy   time.Time
	writeBy  time.Time
}

type chunk struct {
	data []byte
	at   time.Time // when it arrives
}

func newHalf() *half {
	h := new(half)
	h.changed.L = &h.mu
	return h
}

func (h *half) change(f func(h *half)) {
	h.mu.Lock()
	f(h)
	h.mu.Unlock()
	h.changed.Broadcast()
}

// finish lets what was written arrive, then readErr.
func (h *half) finish(readErr, writeErr error) {
	h.change(func(h *half) {
		if h.readErr == nil {
			h.readErr, h.writeErr = readErr, writeErr
		}
	})
}

// fail throws away what was written.
func (h *half) fail(readErr, writeErr error) {
	h.change(func(h *half) {
		h.chunks, h.size = nil, 0
		h.readErr, h.writeErr = readErr, writeErr
	})
}

// wait waits for a change, or until t unless that is zero. h.mu is held.
func (h *half) wait(t time.Time) {
	if !t.IsZero() {
		timer := time.AfterFunc(time.Until(t), func() { h.change(func(*half) {}) })
		defer timer.Stop()
	}
	h.changed.Wait()
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// sooner returns the earlier of two times, of which either may be zero for never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		next := time.Time{}
		switch {
		case past(h.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(h.chunks) == 0 && h.readErr != nil:
			return 0, h.readErr
		case len(h.chunks) > 0 && !h.held:
			if c := &h.chunks[0]; past(c.at) {
				n := copy(b, c.data)
				c.data = c.data[n:]
				if len(c.data) == 0 {
					h.chunks = h.chunks[1:]
				}
				h.size -= n
				h.changed.Broadcast()
				return n, nil
			}
			next = h.chunks[0].at
		}
		h.wait(sooner(next, h.readBy))
	}
}

func (h *half) write(b []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.writeErr != nil:
			return n, h.writeErr
		case past(h.writeBy):
			return n, os.ErrDeadlineExceeded
		case len(b) == 0:
			return n, nil
		}
		if room := min(linkRoom-h.size, len(b)); room > 0 {
			h.chunks = append(h.chunks, chunk{append([]byte(nil), b[:room]...), time.Now().Add(h.delay)})
			h.size += room
			n += room
			b = b[room:]
			h.changed.Broadcast()
			continue
		}
		h.wait(h.writeBy)
	}
}
