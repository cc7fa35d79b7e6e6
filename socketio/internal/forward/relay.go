package forward

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// A Relay is a request that has come on a connection that was taken over from
// net/http, as a hop is one that net/http has read. It costs no goroutine: what
// comes from its node is written to the client by whoever reads there.
//
// Whoever claims it ends it: the end of the answer, the client's, the node's, or
// that it has to make room.
type Relay struct {
	f     *Forwarder
	to    *peer
	c     *httpconn.Conn
	who   Asker
	head  int // bytes of out that are the head
	place peers.Place[ending]

	mu    sync.Mutex
	out   []byte // the request, as it goes to the node
	w     *wire  // on which the answer is awaited
	stop  context.CancelFunc
	begun bool // the client has a part of the answer
	over  bool
}

// An Asker is whose request it is.
type Asker interface {
	// Refuse answers a request that was not answered, and of which this is the
	// head, as it was sent.
	Refuse(f *Failure, head []byte)
	// Last reports whether the answer has to be the last one on its connection.
	Last() bool
}

// maxRelayed bounds the body of a request that is relayed.
const maxRelayed = len(buffer{})

var (
	errRefused = errors.New("forward: the node does not believe that the request was passed on")
	errStops   = errors.New("forward: this node stops")
)

// Drive has requests relayed by a poller.
func (f *Forwarder) Drive(p *netpoll.Poller) { f.poller.Store(p) }

// Relays reports whether a request with a body of so many bytes can be relayed: it
// is known where to, and all of it goes out at once.
func (f *Forwarder) Relays(t *Target, body int) bool {
	return len(t.peers) == 1 && t.peers[0].base != nil && body <= maxRelayed && f.poller.Load() != nil
}

// Relay makes a Relay of a request for which Relays said yes. remote is the other
// end of its connection c.
func (f *Forwarder) Relay(t *Target, c *httpconn.Conn, who Asker, r *httpconn.Request, remote string) *Relay {
	x := &Relay{f: f, to: t.peers[0], c: c, who: who}
	x.place.Value = x
	method := http.MethodGet
	if r.Post {
		method = http.MethodPost
	}
	out := make([]byte, 0, len(r.Head)+len(r.Body)+len(Header)+len(f.cfg.Self.ID)+len(remote)+80)
	out = append(append(r.AppendOnward(out), Header...), ": "...)
	out = appendMark(f, out, x.to.ID, method, r.Target, r.Host, remote, false, time.Now())
	out = append(out, "\r\n\r\n"...)
	x.head = len(out)
	x.out = append(out, r.Body...)
	return x
}

// Start passes the request on. from is the client's address.
func (x *Relay) Start(from peers.Key) {
	f := x.f
	old, pushed, ok := f.places.Enter(from, &x.place)
	if pushed {
		old.evict()
	}
	if !ok {
		x.fail(errEvicted)
		return
	}
	switch {
	case x.ended():
		f.places.Leave(&x.place) // for the end came before
		return
	case f.stops.Load():
		x.fail(errStops)
		return
	}
	if w := x.to.wires.get(); w != nil {
		x.send(w)
		return
	}
	ctx, cancel := context.WithCancel(x.to.ctx)
	x.mu.Lock()
	x.stop = cancel
	over := x.over
	x.mu.Unlock()
	if over {
		cancel()
	}
	f.poller.Load().Go(dialing{x, ctx})
}

// dialing makes a wire for a request.
type dialing struct {
	x   *Relay
	ctx context.Context
}

// Run implements netpoll.Runner.
func (d dialing) Run() {
	w, err := d.x.to.wires.dial(d.ctx, d.x.f.poller.Load())
	if err != nil {
		d.x.fail(err)
		return
	}
	d.x.send(w)
}

// send sends the request on w, or on another one if w has ended. Nothing is sent
// twice: a connection that is known to have ended takes nothing.
func (x *Relay) send(w *wire) {
	for ; w != nil; w = x.to.wires.get() {
		if !w.begin(x) {
			continue
		}
		x.mu.Lock()
		over, out := x.over, x.out
		if !over {
			x.w = w
		}
		x.mu.Unlock()
		if over {
			w.leave(x)
			x.to.wires.idle.put(w)
			return
		}
		if w.c.Write(out) == nil {
			if x.f.stops.Load() {
				x.fail(errStops)
			}
			return
		}
		if !w.leave(x) {
			return // it has failed with w
		}
	}
	x.fail(errGone)
}

func (x *Relay) ended() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.over
}

// claim reports whether the caller is the one to end x.
func (x *Relay) claim() bool {
	x.mu.Lock()
	if x.over {
		x.mu.Unlock()
		return false
	}
	x.over = true
	stop := x.stop
	x.stop = nil
	x.mu.Unlock()
	if stop != nil {
		stop()
	}
	x.f.places.Leave(&x.place)
	return true
}

// drop forgets what is not needed any more, for a connection keeps its last Relay.
// Only who has claimed x calls it, once.
func (x *Relay) drop() (w *wire, out []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w, out = x.w, x.out
	x.w, x.out = nil, nil
	return w, out
}

// evict implements ending.
func (x *Relay) evict() { x.fail(errEvicted) }

// fail ends x, to which there is no answer, or no whole one.
func (x *Relay) fail(cause error) {
	if !x.claim() {
		return
	}
	w, out := x.drop()
	if w != nil {
		w.c.Close(cause)
	}
	failure := x.failure(cause)
	if x.begun {
		x.c.Abort(cause) // the client sees that there is less than was announced
	} else {
		x.who.Refuse(failure, out[:x.head])
	}
}

// failure counts it.
func (x *Relay) failure(cause error) *Failure {
	f := x.f
	switch {
	case errors.Is(cause, errEvicted):
		return f.full(&Target{[]*peer{x.to}})
	case errors.Is(cause, errStops), f.ctx.Err() != nil:
		f.count("canceled", x.to.Node)
		return stopped
	case errors.Is(cause, errRefused):
		return f.refusedBy(x.to)
	}
	return f.unreached(x.to, cause)
}

// Gone says that the client has gone.
func (x *Relay) Gone() {
	if !x.claim() {
		return
	}
	x.f.count("canceled", x.to.Node)
	if w, _ := x.drop(); w != nil {
		w.c.Close(errOver)
	}
}

// Drained says that the client has taken what it was sent.
func (x *Relay) Drained() {
	x.mu.Lock()
	w := x.w
	x.mu.Unlock()
	if w != nil {
		w.c.Wake() // perhaps in vain
	}
}

// part writes a part of the answer.
func (x *Relay) part(b []byte, owner netpoll.Owner) error {
	x.mu.Lock()
	if x.over {
		x.mu.Unlock()
		return errOver
	}
	x.begun = true
	x.mu.Unlock()
	room, err := x.c.Part(b, owner)
	switch {
	case err != nil:
		x.Gone()
		return err
	case !room:
		return netpoll.ErrPaused
	}
	return nil
}

// done writes the end of the answer. The caller has claimed x.
func (x *Relay) done(b []byte, owner netpoll.Owner, last bool) {
	x.drop()
	x.f.count("passed", x.to.Node)
	if len(b) == 0 {
		owner = nil
	}
	_ = x.c.AnswerOwned(b, last || x.who.Last(), owner) // a client that has gone is told of elsewhere
	if x.f.stops.Load() {
		x.c.EndIdle()
	}
}

// Stop relays nothing more, and ends what is under way with an answer.
func (f *Forwarder) Stop() {
	f.stops.Store(true)
	f.mu.Lock()
	var list []*Relay
	for _, p := range f.byID {
		if p.wires != nil {
			list = append(list, p.wires.relays()...)
		}
	}
	f.mu.Unlock()
	for _, x := range list {
		x.fail(errStops)
	}
}
