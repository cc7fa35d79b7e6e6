package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// wires are the connections to one node on which requests are relayed.
type wires struct {
	to   *reach
	idle spares[*wire]

	mu     sync.Mutex
	closed bool
	all    map[*wire]struct{}
}

// A wire is a connection to a node, on which one request at a time is relayed. It
// is its poller's: nobody waits at it.
type wire struct {
	ws *wires
	c  *netpoll.Conn // static, once it was dialed

	// These belong to whoever reads.
	in    []byte // of a head of which more is to come
	reply reply
	last  bool // the client's connection ends with it

	mu   sync.Mutex
	x    *Relay // whose answer is to come; nil: it waits
	gone bool
}

var (
	errUnasked = errors.New("forward: the node says something unasked")
	errOver    = errors.New("forward: nobody waits for the answer")
)

// fresh is how long a wire may have waited that is not looked at before it is
// used: its end would have been told.
const fresh = time.Second

// get returns a wire that nobody uses; nil if there is none.
func (ws *wires) get() *wire {
	for {
		w, waited, ok := ws.idle.take()
		if !ok {
			return nil
		}
		if waited < fresh || waited < idleFor && w.c.Quiet() {
			return w
		}
		w.drop()
	}
}

// dial makes a wire.
func (ws *wires) dial(ctx context.Context, p *netpoll.Poller) (*wire, error) {
	nc, err := ws.to.dial(ctx)
	if err != nil {
		return nil, err
	}
	w := &wire{ws: ws}
	if w.c, err = p.Add(nc, nil, w); err != nil {
		return nil, err
	}
	w.c.SetMaxQueue(-1) // there is one request at a time
	w.c.CountNothing()
	ws.mu.Lock()
	w.mu.Lock()
	gone := w.gone || ws.closed
	w.mu.Unlock()
	if !gone {
		ws.all[w] = struct{}{}
	}
	ws.mu.Unlock()
	if gone {
		w.drop()
		return nil, errGone
	}
	return w, nil
}

// relays lists what is under way.
func (ws *wires) relays() (list []*Relay) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		w.mu.Lock()
		if w.x != nil {
			list = append(list, w.x)
		}
		w.mu.Unlock()
	}
	return list
}

// close ends them all: the node is gone.
func (ws *wires) close() {
	ws.mu.Lock()
	ws.closed = true
	list := make([]*wire, 0, len(ws.all))
	for w := range ws.all {
		list = append(list, w)
	}
	ws.mu.Unlock()
	ws.idle.close()
	for _, w := range list {
		w.c.Close(errGone)
	}
}

func (w *wire) drop() { w.c.Close(nil) }

// begin has w wait for the answer to x. It fails if w has ended.
func (w *wire) begin(x *Relay) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return false
	}
	w.x = x
	return true
}

// leave has w wait for nothing, and reports whether it did wait for x.
func (w *wire) leave(x *Relay) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.x == x
	w.x = nil
	return was
}

func (w *wire) relay() *Relay {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.x
}

// OnReadable implements netpoll.Handler.
func (w *wire) OnReadable(c *netpoll.Conn) error {
	if x := w.relay(); x != nil && w.reply.form != unknown && !x.c.Room() {
		return netpoll.ErrPaused // to be woken when there is
	}
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	for range maxReads {
		n, err := c.Read(buf[:])
		if err == netpoll.ErrWouldBlock {
			return nil
		}
		x := w.relay()
		switch {
		case err == io.EOF && x != nil && w.reply.form == untilEnd:
			w.finish(x, nil, false)
			return err
		case err != nil:
			return err
		case x == nil:
			return errUnasked
		}
		if err := w.came(x, buf[:n]); err != nil {
			return err
		}
	}
	return nil // the others first
}

// maxReads is how many times a wire is read before others have their turn.
const maxReads = 16

// came passes on what has come of the answer to x. It makes one frame of it: most
// answers come at once.
func (w *wire) came(x *Relay, b []byte) error {
	var frame []byte
	for w.reply.form == unknown {
		if len(w.in) > 0 {
			w.in = append(w.in, b...)
			b = w.in
		}
		size, err := w.reply.head(b)
		switch {
		case err != nil:
			return err
		case size == 0:
			if len(w.in) == 0 {
				w.in = bytes.Clone(b)
			}
			return nil
		case w.reply.refused:
			x.fail(errRefused)
			return errRefused
		}
		w.in = nil
		if w.reply.status >= 200 {
			w.last = w.reply.form == untilEnd || x.who.Last()
			fields := x.c.Fields().Text()
			frame = make([]byte, 0, len(b)+len(fields)+60)
			frame = w.reply.appendHead(frame, b[:size], fields, w.last)
		} else {
			w.reply = reply{} // the answer comes later
		}
		b = b[size:]
	}
	used, pass, done, err := w.reply.body(b)
	if err != nil {
		return err
	}
	var owner netpoll.Owner
	if frame == nil {
		own := buffers.Get().(*buffer)
		frame, owner = own[:0], own
	}
	if frame = append(frame, b[:pass]...); !done {
		return x.part(frame, owner)
	}
	if w.reply.form == chunked {
		if owner != nil && len(frame)+len(bodyEnd) > cap(frame) {
			owner = nil // it moves
		}
		frame = append(frame, bodyEnd...)
	}
	if used < len(b) {
		w.reply.close = true // what follows is the answer to nothing
	}
	return w.finishOwned(x, frame, owner, !w.reply.close)
}

// finish ends an answer, and has w wait for the next request.
func (w *wire) finish(x *Relay, b []byte, again bool) { _ = w.finishOwned(x, b, nil, again) }

func (w *wire) finishOwned(x *Relay, b []byte, owner netpoll.Owner, again bool) error {
	if !x.claim() {
		return errOver // and w is closed by whoever has ended it
	}
	last := w.last
	w.reply, w.last = reply{}, false
	w.leave(x)
	if again {
		w.ws.idle.put(w) // first: the client's next request may come at once
	}
	x.done(b, owner, last)
	if !again {
		return io.EOF
	}
	return nil
}

// OnServed implements netpoll.Handler.
func (w *wire) OnServed(*netpoll.Conn) {}

// OnClose implements netpoll.Handler.
func (w *wire) OnClose(_ *netpoll.Conn, cause error) {
	w.mu.Lock()
	x := w.x
	w.x, w.gone = nil, true
	w.mu.Unlock()
	w.ws.mu.Lock()
	delete(w.ws.all, w)
	w.ws.mu.Unlock()
	w.ws.idle.remove(w)
	if x != nil {
		x.fail(cause)
	}
}
