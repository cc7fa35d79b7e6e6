package face

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio"
)

// namespace is one namespace with its handlers. Registering again replaces, at any
// time: the functions are read anew for every event.
type namespace[C any] struct {
	srv    *Server[C]
	native *socketio.Namespace

	onConnect    atomic.Pointer[func(C) error]
	onDisconnect atomic.Pointer[func(C, string)]
	onError      atomic.Pointer[func(C, error)]
	hooked       atomic.Bool
	hookError    sync.Once

	mu     sync.Mutex
	events map[string]*atomic.Pointer[handler]

	entering sync.Map     // *Conn, while its OnConnect runs
	enterers atomic.Int64 // how many, so that looking costs nothing when there are none
}

// place is where a socket keeps its Conn.
const place socketio.Key[*Conn] = "go-socket.io"

// hook puts the namespace's functions into the native one's life of a socket.
func (n *namespace[C]) hook() {
	if n.hooked.Swap(true) {
		return
	}
	n.native.Use(n.enter)
	n.native.OnConnect(func(_ context.Context, s *socketio.Socket) {
		n.conn(s).opened()
	})
	n.native.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
		if f := n.onDisconnect.Load(); f != nil {
			c := n.conn(s)
			c.link.run(func() { (*f)(c.face.Interface().(C), string(reason)) })
		}
	})
}

func (n *namespace[C]) name() string { return n.native.Name() }

// enter is the native middleware: OnConnect runs before the client is let in, so
// that its error can refuse it.
func (n *namespace[C]) enter(_ context.Context, s *socketio.Socket) (err error) {
	n.mu.Lock()
	c := n.meet(s, entering)
	n.mu.Unlock()
	n.entering.Store(c, nil)
	n.enterers.Add(1)
	defer func() {
		n.entering.Delete(c)
		n.enterers.Add(-1)
	}()
	c.link.run(func() {
		n.srv.gate.begin(c.link)
		if n.name() == "/" {
			c.SetContext(Session{c.link}.Context())
		}
		if f := n.onConnect.Load(); f != nil {
			err = (*f)(c.face.Interface().(C))
		}
	})
	if err != nil {
		n.report(c, err)
		return refusal(err)
	}
	c.admit()
	return nil
}

// refusal is what the client is told: the error if it was made for clients, and
// that it was refused otherwise. Everything else is for OnError.
func refusal(err error) error {
	if e := (*socketio.Error)(nil); errors.As(err, &e) {
		return err
	}
	return &socketio.Error{Message: "connection refused"}
}

// conn is the Conn of a socket. One that came by the native interface, or comes
// back after a short loss without meeting its middleware again, gets it here.
func (n *namespace[C]) conn(s *socketio.Socket) *Conn {
	if c := n.at(s); c != nil {
		return c
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.at(s); c != nil {
		return c
	}
	return n.meet(s, open)
}

func (n *namespace[C]) at(s *socketio.Socket) *Conn {
	if c, ok := place.Get(s); ok && c.socket == s {
		return c
	}
	return nil
}

// meet makes a socket's Conn.
func (n *namespace[C]) meet(s *socketio.Socket, at phase) *Conn {
	c := &Conn{socket: s, space: n, id: s.ID(), phase: at}
	if s.Protocol() == 3 {
		c.id = s.Conn().ID()
	}
	if at == entering {
		c.rooms = []string{c.id}
	}
	if before, ok := place.Get(s); ok {
		c.context = before.Context() // recovered: the rest of its data is there too
	}
	face := any(c).(C)
	c.face = reflect.ValueOf(&face).Elem()
	c.link = n.srv.links.enter(c)
	context.AfterFunc(s.Context(), func() { n.srv.links.leave(c) })
	place.Set(s, c)
	if at == open {
		c.joinOwn()
	}
	return c
}

// report tells OnError, or the log if there is none.
func (n *namespace[C]) report(c *Conn, err error) {
	if f := n.onError.Load(); f != nil {
		defer func() {
			if p := recover(); p != nil {
				n.srv.log.Error("go-socket.io: panic in OnError", "namespace", n.name(), "panic", p)
			}
		}()
		(*f)(c.face.Interface().(C), err)
		return
	}
	n.srv.log.Warn("go-socket.io: error, and no OnError", "namespace", n.name(), "error", err)
}

// setError installs f. The native namespace logs the errors of handlers itself
// until somebody listens.
func (n *namespace[C]) setError(f func(C, error)) {
	store(&n.onError, f, f == nil)
	n.hookError.Do(func() {
		n.native.OnError(func(_ context.Context, s *socketio.Socket, _ string, err error) {
			n.report(n.conn(s), err)
		})
	})
}

// on installs an event's function.
func (n *namespace[C]) on(event string, h *handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slot := n.events[event]; slot != nil {
		slot.Store(h)
		return
	}
	slot := new(atomic.Pointer[handler])
	slot.Store(h)
	if n.events == nil {
		n.events = make(map[string]*atomic.Pointer[handler])
	}
	n.events[event] = slot
	if socketio.Reserved(event) {
		return // no client can send it
	}
	serve := func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		return n.serve(slot.Load(), s, r)
	}
	if !misleading(event) {
		n.native.On(event, serve)
		return
	}
	n.native.OnAny(func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		if r.Event() != event {
			return nil
		}
		return serve(ctx, s, r)
	})
}

// misleading reports whether the native interface takes the name for a mistake of
// somebody who comes from Node. Here it is an event like any other.
func misleading(event string) bool {
	switch event {
	case "connection", "new_namespace", "connection_error":
		return true
	}
	return false
}

// serve handles one event. Its error, and a panic, go to OnError by way of the
// native namespace; the connection stays.
func (n *namespace[C]) serve(h *handler, s *socketio.Socket, r *socketio.Request) (err error) {
	c := n.conn(s)
	var results []any
	c.link.run(func() { results, err = h.call(c, r) })
	if len(results) == 0 || !r.WantsAck() {
		return err
	}
	args, failed := outgoing(results)
	if failed == nil {
		failed = r.Ack(args...)
	}
	if failed != nil && !gone(failed) {
		n.report(c, fmt.Errorf("acknowledgement of %.80q: %w", r.Event(), failed))
	}
	return err
}
