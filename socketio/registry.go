package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Handler handles one event. ctx is [Socket.Context]. Its error goes to
// OnError, or to the log where there is none; the client learns of it only
// through a [Call]. It may block, which holds up the events of its own socket
// only, and may keep s and r.
type Handler = func(ctx context.Context, s *Socket, r *Request) error

// A Registrar is where handlers are registered: a [Namespace], for all its
// sockets, or one [Socket]. It takes part in the typed layer; only this
// package implements it.
type Registrar interface {
	// On has h called for every event of that name, after the handlers
	// registered before. It panics if the name is reserved; see [Namespace.On].
	On(event string, h Handler)
	// Once is On for the first such event of each socket.
	Once(event string, h Handler)

	registered() register
}

// Reserved reports whether an event's name has a meaning of its own in the
// protocol or in clients, so that nobody can send it: connect, connect_error,
// disconnect, disconnecting, newListener and removeListener. Emit then fails
// with [ErrReservedEvent], and On panics.
func Reserved(event string) bool { return siowire.Reserved(event) }

// instead says what is to be called in the place of On, for the names that are
// events in Node and functions here; "" for all others.
func instead(event string) string {
	switch event {
	case "connection", "connect":
		return "OnConnect"
	case "disconnect":
		return "OnDisconnect"
	case "disconnecting":
		return "OnDisconnecting"
	case "new_namespace":
		return "Server.OnNamespace"
	case "connect_error":
		return "Use, whose error is what the client's connect_error gets"
	case "connection_error":
		return "Options.Engine.Trace.Refused"
	case "newListener", "removeListener":
		return "nothing: there are no such events here"
	}
	return ""
}

// checkHandler panics if h cannot be registered for event.
func checkHandler(event string, h Handler) {
	if f := instead(event); f != "" {
		panic(fmt.Sprintf("socketio: %q is no event that clients send: use %s", event, f))
	}
	if h == nil {
		panic(fmt.Sprintf("socketio: nil handler for %q", event))
	}
}

// A register is where a Registrar keeps what is registered on it: a registry,
// or a socket's own.
type register interface {
	on(event string, h Handler, once bool)
	note(event, kind string, typ, payload, answer reflect.Type)
}

// registry holds the handlers of a namespace. The handlers of a pattern's
// namespaces are shared by all of them. Reading takes no lock.
type registry struct {
	types
	log *slog.Logger // nil: not of a namespace
	cur atomic.Pointer[handlers]

	mu   sync.Mutex
	once uint64 // number of the last entry, guarded by mu
}

// handlers is immutable: a change makes a new one. Of a list that has become
// longer, the old one is the beginning.
type handlers struct {
	events        map[string][]entry
	any           []Handler
	use           []func(context.Context, *Socket) error
	usePacket     []func(context.Context, *Socket, *Request) error
	connect       []func(context.Context, *Socket)
	disconnecting []func(context.Context, *Socket, DisconnectReason)
	disconnect    []func(context.Context, *Socket, DisconnectReason)
	failed        []func(context.Context, *Socket, string, error)
	outgoing      []func(*Socket, string, []any)
	room          []func(RoomEvent)
	serverSide    map[string][]func(context.Context, *Request) error
}

// entry is a handler of one event. Those registered with Once on a namespace
// have a number, which grows: for a socket that has had such an event, all that
// were there have run, and so it need remember the largest one only.
type entry struct {
	h    Handler
	once uint64
}

var noHandlers handlers

func (g *registry) load() *handlers {
	if h := g.cur.Load(); h != nil {
		return h
	}
	return &noHandlers
}

// change replaces the handlers by a copy that f has changed. Slices are
// extended with append: who reads the old one does not look beyond its end.
func (g *registry) change(f func(h *handlers)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := *g.load()
	f(&next)
	g.cur.Store(&next)
}

func add[T any](list []T, v T) []T { return append(slices.Clip(list), v) }

func (g *registry) on(event string, h Handler, once bool) {
	checkHandler(event, h)
	if event == "error" && g.log != nil {
		g.log.Warn(`socketio: a handler of "error" gets what clients send by that name; what goes wrong here is told to OnError`)
	}
	g.change(func(t *handlers) {
		e := entry{h: h}
		if once {
			g.once++
			e.once = g.once
		}
		if t.events = maps.Clone(t.events); t.events == nil {
			t.events = make(map[string][]entry)
		}
		t.events[event] = append(t.events[event], e)
	})
}

// ownHandlers are those of one socket. The nil ones are none.
type ownHandlers struct {
	types

	mu     sync.Mutex
	events map[string][]entry // of those with Once, the number is 1
	any    []Handler
}

func (o *ownHandlers) on(event string, h Handler, once bool) {
	checkHandler(event, h)
	e := entry{h: h}
	if once {
		e.once = 1
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.events == nil {
		o.events = make(map[string][]entry)
	}
	o.events[event] = append(o.events[event], e) // who reads the old list does not look beyond its end
}

func (o *ownHandlers) onAny(h Handler) {
	o.mu.Lock()
	o.any = append(o.any, h)
	o.mu.Unlock()
}

func (o *ownHandlers) off(event string) {
	o.mu.Lock()
	delete(o.events, event)
	o.mu.Unlock()
	o.forget(event)
}

// hear reports whether anything here looks at the event.
func (o *ownHandlers) hear(event string) bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.any) > 0 || len(o.events[event]) > 0
}

// names lists the events that have a handler here.
func (o *ownHandlers) names() []string {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.events))
}

func (o *ownHandlers) anys() []Handler {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.any
}

// take lists the handlers of an event that has come. Those with Once are gone
// after that.
func (o *ownHandlers) take(event string) []entry {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	list := o.events[event]
	if !slices.ContainsFunc(list, func(e entry) bool { return e.once > 0 }) {
		o.mu.Unlock()
		return list
	}
	var rest []entry
	for _, e := range list {
		if e.once == 0 {
			rest = append(rest, e)
		}
	}
	if len(rest) > 0 {
		o.events[event] = rest
	} else if delete(o.events, event); len(o.events) == 0 {
		o.events = nil
	}
	o.mu.Unlock()
	if len(rest) == 0 {
		o.forget(event)
	}
	return list
}

// types is what the typed layer knows of the events' names.
type types struct {
	mu    sync.Mutex
	typed map[string]registration
}

// registration says what the typed layer knows of an event's name.
type registration struct {
	kind            string // "event" or "call"
	typ             reflect.Type
	payload, answer reflect.Type
	place           string
}

func (g *types) forget(event string) {
	g.mu.Lock()
	delete(g.typed, event)
	g.mu.Unlock()
}

// note records what type an event's payload has here. It panics when that
// contradicts what was said before, or when a call gets a second handler.
func (g *types) note(event, kind string, typ, payload, answer reflect.Type) {
	if f := instead(event); f != "" {
		panic(fmt.Sprintf("socketio: %q is no event that clients send: use %s", event, f))
	}
	n := registration{kind, typ, payload, answer, caller()}
	g.mu.Lock()
	defer g.mu.Unlock()
	old, ok := g.typed[event]
	switch {
	case !ok:
		if g.typed == nil {
			g.typed = make(map[string]registration)
		}
		g.typed[event] = n
	case old.kind != kind || old.typ != typ:
		panic(fmt.Sprintf("socketio: %q is registered as %s of %v at %s and as %s of %v at %s", event, old.kind, old.typ, old.place, kind, typ, n.place))
	case kind == "call":
		panic(fmt.Sprintf("socketio: call %q has a handler from %s and gets a second one at %s; a call has exactly one", event, old.place, n.place))
	}
}

// caller is the first place outside this package on the stack.
func caller() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "/socketio.") || strings.HasSuffix(f.File, "_test.go") || !more {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}
