package httpconn

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// Config says how connections are served. A negative duration is none.
type Config struct {
	Poller       *netpoll.Poller
	Wheel        *wheel.Wheel
	Log          *slog.Logger
	WriteTimeout time.Duration // an answer may take so long to be taken
	BodyTimeout  time.Duration // the rest of a request may take so long to come
	IdleTimeout  time.Duration // a request may be waited for so long
}

// Conns is the connections that were taken over, and the way back.
type Conns struct {
	cfg     Config
	foreign atomic.Bool // connections come from a listener of a kind of its own
	table   fieldsTable

	mu      sync.Mutex
	closed  bool
	conns   map[*Conn]struct{}
	feeders map[*http.Server]*feeder
	feeding sync.WaitGroup
}

// New returns the connections of one poller: none so far.
func New(cfg Config) *Conns {
	a := &Conns{cfg: cfg, conns: make(map[*Conn]struct{}), feeders: make(map[*http.Server]*feeder)}
	a.foreign.Store(!netpoll.Supported)
	return a
}

// Takes reports whether the connection of a request may be taken over, as far as
// that can be known before. It is asked before the caller itself sets header
// fields of the answer: with those of anybody else, but for some that are known
// to be the same for all, it says no.
func (a *Conns) Takes(w http.ResponseWriter, r *http.Request) bool {
	if a.foreign.Load() || r.TLS != nil || r.Close || r.ProtoMajor != 1 || r.ProtoMinor != 1 {
		return false
	}
	switch r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr, *net.UnixAddr:
	default:
		return false
	}
	srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	return ok && srv != nil && !looksAtConns(srv) && plain(w) && sharable(w.Header()) && asksOnce(r)
}

// looksAtConns reports whether the application has functions that its
// http.Server calls with connections or listeners. A connection that is given
// back is none of those it knows: a function that insists on a *net.TCPConn
// would panic where nobody can recover.
func looksAtConns(srv *http.Server) bool {
	return srv.BaseContext != nil || srv.ConnContext != nil || srv.ConnState != nil
}

// Take takes over the connection of a request for which Takes said yes, and
// which is not answered yet. The caller answers it with c; w's header fields
// become those of all answers. It reports whether it could; if not, nothing has
// happened. If so, h.Closed is called in any case, perhaps before Take returns.
func (a *Conns) Take(c *Conn, h Handler, w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	nc, pre, err := Hijack(w)
	if err != nil {
		return false
	}
	a.TakeHijacked(c, h, header, r, nc, pre)
	return true
}

// TakeHijacked is Take for who has called Hijack.
func (a *Conns) TakeHijacked(c *Conn, h Handler, header http.Header, r *http.Request, nc net.Conn, pre []byte) {
	c.all, c.h, c.busy = a, h, true
	c.fields, c.same = a.table.get(header), unique.Make(same(r))
	c.host, _ = r.Context().Value(http.ServerContextKey).(*http.Server)
	if !a.cfg.Poller.Takes(nc) {
		// It is of a kind of its own, and could not be given back. Its answer is
		// the last one, and others like it are left alone.
		c.end = true
		a.foreign.Store(true)
	}
	a.start(c, nc, pre)
}

// start gives the connection to the poller.
func (a *Conns) start(c *Conn, nc net.Conn, pre []byte) {
	c.mu.Lock()
	if !a.add(c) {
		c.gone = true
		c.mu.Unlock()
		_ = nc.Close()
		c.h.Closed(net.ErrClosed, false)
		return
	}
	var err error
	if c.c, err = a.cfg.Poller.Add(nc, pre, c); err != nil {
		c.gone, c.c = true, nil
		c.mu.Unlock()
		a.remove(c)
		c.h.Closed(err, false)
		return
	}
	// There is one long answer at a time, which its Handler bounds.
	c.c.SetMaxQueue(-1)
	c.c.CountNothing() // a piece of an answer may look like a frame
	c.mu.Unlock()
}

// Hijack takes the connection of a request away from net/http, with what it has
// read and not handed out, and without its deadlines.
func Hijack(w http.ResponseWriter) (nc net.Conn, pre []byte, err error) {
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

func (f *feeder) Addr() net.Addr { return &net.UnixAddr{Name: "httpconn", Net: "unix"} }

func (a *Conns) add(c *Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.conns[c] = struct{}{}
	return true
}

func (a *Conns) remove(c *Conn) {
	a.mu.Lock()
	delete(a.conns, c)
	a.mu.Unlock()
}

// feed has srv serve nc.
func (a *Conns) feed(srv *http.Server, nc net.Conn) {
	a.mu.Lock()
	f := a.feeders[srv]
	if f == nil && !a.closed {
		f = &feeder{ch: make(chan net.Conn), done: make(chan struct{})}
		a.feeders[srv] = f
		a.feeding.Go(func() {
			err := srv.Serve(f) // until either of us is closed
			a.cfg.Log.Debug("a listener for connections that were taken over has ended", "cause", err)
			_ = f.Close()
			a.mu.Lock()
			delete(a.feeders, srv)
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

// Shutdown takes no more connections over, and ends those on which nothing is
// going on. The others end with the last answers of their Handlers.
func (a *Conns) Shutdown() {
	a.mu.Lock()
	a.closed = true
	list := make([]*Conn, 0, len(a.conns))
	for c := range a.conns {
		list = append(list, c)
	}
	a.mu.Unlock()
	for _, c := range list {
		c.EndIdle()
	}
}

// Close ends the way back. It is called after the poller's Shutdown.
func (a *Conns) Close() {
	a.mu.Lock()
	for _, f := range a.feeders {
		_ = f.Close()
	}
	a.mu.Unlock()
	a.feeding.Wait()
}
