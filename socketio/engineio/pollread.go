package engineio

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// maxInline bounds the body of a POST that is read here; longer ones are left
// to net/http, which has a goroutine to wait for them.
const maxInline = 64 << 10

var requests = sync.Pool{New: func() any { return new([maxHead]byte) }}

// OnReadable implements netpoll.Handler.
func (p *pollConn) OnReadable(c *netpoll.Conn) error {
	buf := requests.Get().(*[maxHead]byte)
	defer requests.Put(buf)
	p.left = false
	if len(p.in) > 0 {
		in := p.in
		p.in = nil
		if err := p.input(c, in); err != nil {
			return err
		}
	}
	for {
		if len(p.in) > maxHead && !p.idle() {
			// The client sends ahead. What it has sent is enough for now; its
			// going away shows when the answer is written.
			return netpoll.ErrPaused
		}
		n, err := c.Read(buf[:])
		if err == netpoll.ErrWouldBlock {
			if p.left {
				return netpoll.ErrPaused // respond wakes it; a goroutine would wait for more input
			}
			return nil
		}
		if err != nil {
			return err
		}
		b := buf[:n]
		if len(p.in) > 0 {
			p.in = append(p.in, b...)
			b, p.in = p.in, nil
		}
		if err := p.input(c, b); err != nil {
			return err
		}
	}
}

// idle reports whether a request may be answered. If not, the input that waits
// will be looked at when it may.
func (p *pollConn) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.early = p.early || p.busy
	return !p.busy
}

// input handles the requests in b, and keeps what is left of it.
func (p *pollConn) input(c *netpoll.Conn, b []byte) error {
	for len(b) > 0 {
		if !p.idle() {
			p.left = true
			break
		}
		p.half = nil
		h, result := parseHead(b)
		if result == headIncomplete {
			p.partial()
			break
		}
		s := p.session(&h, result)
		if s == nil {
			return p.giveBack(c, b)
		}
		if len(b) < h.size+h.length {
			if h.post {
				p.half = s
			}
			p.partial()
			break
		}
		p.mu.Lock()
		p.busy, p.begun = true, false
		p.end = p.end || h.close
		p.mu.Unlock()
		if string(h.accept) != p.accept {
			p.accept = string(h.accept)
		}
		body := b[h.size : h.size+h.length]
		b = b[h.size+h.length:]
		if h.post {
			p.post(s, body)
		} else {
			if len(b) > 0 { // before somebody else may look at it
				p.in = bytes.Clone(b)
				b = nil
				p.left = !p.idle()
			}
			p.hold(s)
		}
	}
	if len(b) > 0 {
		p.in = bytes.Clone(b)
	}
	return nil
}

// partial sets the deadline for the rest of a request, when it begins.
func (p *pollConn) partial() {
	p.mu.Lock()
	if !p.begun {
		p.begun = true
		p.deadline(p.srv.opts.BodyTimeout)
	}
	p.mu.Unlock()
}

// session is the session whose poll or post a request is, or nil if the request
// has to be looked at more closely.
func (p *pollConn) session(h *requestHead, result headResult) *Session {
	if result != headSimple || h.binary || h.post && h.length > maxInline {
		return nil
	}
	if limit := p.srv.opts.MaxPayload; limit >= 0 && int64(h.length) > limit {
		return nil
	}
	path, raw, _ := bytes.Cut(h.target, []byte("?"))
	if string(path) != p.path || string(h.host) != p.name || string(h.origin) != p.origin {
		return nil
	}
	q := parseQuery(string(raw))
	if q.transport != pollingName || !q.hasSID || q.j != "" {
		return nil
	}
	s, transport := p.srv.find(q.sid)
	if transport != pollingName {
		return nil
	}
	return s
}

// giveBack returns the connection to its http.Server, with the input b.
func (p *pollConn) giveBack(c *netpoll.Conn, b []byte) error {
	nc, err := c.Detach()
	switch {
	case err == nil:
		p.srv.feed(p.host, &replay{Conn: nc, pre: bytes.Clone(b)})
		return nil
	case errors.Is(err, errors.ErrUnsupported) && !c.Blocked():
		// The last answer is being written, though the client has it already.
		p.in = bytes.Clone(b)
		p.srv.poller.Go(wakeTask{c})
		return netpoll.ErrPaused
	}
	return err
}

type wakeTask struct{ c *netpoll.Conn }

func (t wakeTask) Run() { t.c.Wake() }

// takeOver takes the connection away from net/http, with what it has read and
// not handed out, and without its deadlines.
func takeOver(w http.ResponseWriter) (nc net.Conn, pre []byte, err error) {
	nc, rw, err := host.TakeOver(w)
	if err != nil {
		return nil, nil, err
	}
	_ = nc.SetDeadline(time.Time{})
	if n := rw.Reader.Buffered(); n > 0 {
		peek, _ := rw.Reader.Peek(n) // it is there
		pre = append(pre, peek...)
	}
	if re, ok := nc.(*replay); ok {
		pre = append(pre, re.pre...)
		nc = re.Conn
	}
	return nc, pre, nil
}

// replay is a connection of which something was read before.
type replay struct {
	net.Conn
	pre []byte
}

func (r *replay) Read(b []byte) (int, error) {
	if len(r.pre) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.pre)
	if r.pre = r.pre[n:]; len(r.pre) == 0 {
		r.pre = nil
	}
	return n, nil
}

// feeder is a net.Listener of connections that go back to their http.Server.
type feeder struct {
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (f *feeder) Accept() (net.Conn, error) {
	select {
	case nc := <-f.ch:
		return nc, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

func (f *feeder) Close() error {
	f.once.Do(func() { close(f.done) })
	return nil
}

func (f *feeder) Addr() net.Addr { return &net.UnixAddr{Name: "engineio", Net: "unix"} }

// adopted is the connections that were taken over, and the way back.
type adopted struct {
	mu      sync.Mutex
	closed  bool
	conns   map[*pollConn]struct{}
	feeders map[*http.Server]*feeder
	feeding sync.WaitGroup
}

func (a *adopted) add(p *pollConn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	if a.conns == nil {
		a.conns = make(map[*pollConn]struct{})
	}
	a.conns[p] = struct{}{}
	return true
}

func (a *adopted) remove(p *pollConn) {
	a.mu.Lock()
	delete(a.conns, p)
	a.mu.Unlock()
}

// feed has host serve nc.
func (srv *Server) feed(host *http.Server, nc net.Conn) {
	a := &srv.conns
	a.mu.Lock()
	f := a.feeders[host]
	if f == nil && !a.closed {
		f = &feeder{ch: make(chan net.Conn), done: make(chan struct{})}
		if a.feeders == nil {
			a.feeders = make(map[*http.Server]*feeder)
		}
		a.feeders[host] = f
		a.feeding.Go(func() {
			err := host.Serve(f) // until either of us is closed
			srv.log.Debug("a listener for connections that were taken over has ended", "cause", err)
			_ = f.Close()
			a.mu.Lock()
			delete(a.feeders, host)
			a.mu.Unlock()
		})
	}
	a.mu.Unlock()
	if f != nil {
		select {
		case f.ch <- nc:
			return
		case <-f.done:
		}
	}
	_ = nc.Close()
}

// closeIdle ends the connections on which nothing is going on.
func (a *adopted) closeIdle() {
	a.mu.Lock()
	a.closed = true
	list := make([]*pollConn, 0, len(a.conns))
	for p := range a.conns {
		list = append(list, p)
	}
	a.mu.Unlock()
	for _, p := range list {
		p.closeIdle()
	}
}

// stop ends the way back.
func (a *adopted) stop() {
	a.mu.Lock()
	for _, f := range a.feeders {
		_ = f.Close()
	}
	a.mu.Unlock()
	a.feeding.Wait()
}
