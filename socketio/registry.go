package socketio

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Handler handles one event. Its error goes to OnError and the log; the
// client learns of it only through a [Call].
type Handler = func(ctx context.Context, s *Socket, r *Request) error

// A Registrar is where handlers are registered: a [Namespace], for all its
// sockets, or one [Socket]. It takes part in the typed layer; only this
// package implements it.
type Registrar interface {
	// On has h called for every event of that name, after the handlers
	// registered before. It panics if the name is reserved.
	On(event string, h Handler)
	// Once is On for the first such event of each socket.
	Once(event string, h Handler)

	registered() *registry
}

// reserved are the names that mean something else to clients or to servers of
// this protocol; see [Namespace.On].
func reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// registry holds the handlers of a namespace, or of one socket. The handlers
// of a pattern's namespaces are shared by all of them. Reading takes no lock.
type registry struct {
	cur atomic.Pointer[handlers]

	mu    sync.Mutex
	typed map[string]registration // guarded by mu
	ids   int                     // of the last entry, guarded by mu
}

// handlers is immutable: a change makes a new one.
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

type entry struct {
	h    Handler
	once int // if not 0: only for the first event of each socket, which notes this number
}

// registration says what the typed layer knows of an event's name.
type registration struct {
	kind  string // "event" or "call"
	typ   reflect.Type
	place string
}

var noHandlers handlers

func (g *registry) load() *handlers {
	if g == nil {
		return &noHandlers
	}
	if h := g.cur.Load(); h != nil {
		return h
	}
	return &noHandlers
}

// change replaces the handlers by a copy that f has changed. Slices are
// extended with add, which copies.
func (g *registry) change(f func(h *handlers)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := *g.load()
	f(&next)
	g.cur.Store(&next)
}

func add[T any](list []T, v T) []T { return append(slices.Clip(list), v) }

func (g *registry) on(event string, h Handler, once bool) {
	if reserved(event) {
		panic(fmt.Sprintf("socketio: %q is reserved; connections and losses have their own methods (OnConnect, OnDisconnect)", event))
	}
	if h == nil {
		panic(fmt.Sprintf("socketio: nil handler for %q", event))
	}
	g.change(func(t *handlers) {
		e := entry{h: h}
		if once {
			g.ids++
			e.once = g.ids
		}
		t.events = maps.Clone(t.events)
		if t.events == nil {
			t.events = make(map[string][]entry)
		}
		t.events[event] = add(t.events[event], e)
	})
}

func (g *registry) off(event string) {
	g.mu.Lock()
	delete(g.typed, event)
	g.mu.Unlock()
	g.change(func(t *handlers) {
		t.events = maps.Clone(t.events)
		delete(t.events, event)
	})
}

// note records what type an event's payload has here. It panics when that
// contradicts what was said before, or when a call gets a second handler.
func (g *registry) note(event, kind string, typ reflect.Type) {
	n := registration{kind, typ, caller()}
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
