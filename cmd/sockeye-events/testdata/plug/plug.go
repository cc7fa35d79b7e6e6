// Package plug hears and says its events behind interfaces.
package plug

import (
	"context"

	"github.com/sockeye-io/sockeye/socketio"
)

// The events: each is heard or said by the type of its name.
const (
	Chat   socketio.Event[string] = "chat"
	News   socketio.Event[string] = "news"
	Held   socketio.Event[string] = "held"
	OnlyA  socketio.Event[string] = "only a"
	OnlyB  socketio.Event[string] = "only b"
	Based  socketio.Event[string] = "based"
	Listed socketio.Event[int]    = "listed"
	Found  socketio.Event[string] = "found"
	Called socketio.Event[string] = "called"
	Inner  socketio.Event[string] = "inner"
	Made   socketio.Event[string] = "made"
	Bound  socketio.Event[string] = "bound"
)

type part interface {
	Mount(ns *socketio.Namespace)
}

type chat struct{}

func (chat) Mount(ns *socketio.Namespace) { _ = Chat.Emit(ns, "") }

type news struct{ to *socketio.Namespace }

func (n *news) Mount(ns *socketio.Namespace) {
	_ = News.Emit(ns, "")
	_ = Held.Emit(n.to, "")
}

type onlyA struct{}

func (onlyA) Mount(ns *socketio.Namespace) { _ = OnlyA.Emit(ns, "") }

type onlyB struct{}

func (onlyB) Mount(ns *socketio.Namespace) { _ = OnlyB.Emit(ns, "") }

type base struct{}

func (base) Mount(ns *socketio.Namespace) { _ = Based.Emit(ns, "") }

type derived struct{ base } // has the method of another

type listed[T any] struct{}

func (listed[T]) Mount(ns *socketio.Namespace) { _ = Listed.Emit(ns, 0) }

type called struct{}

func (called) Mount(ns *socketio.Namespace) { _ = Called.Emit(ns, "") }

type inner struct{}

func (inner) Mount(ns *socketio.Namespace) { _ = Inner.Emit(ns, "") }

type wrapper struct{ part } // has the method of whatever is in it

type made struct{}

func (made) Mount(ns *socketio.Namespace) { _ = Made.Emit(ns, "") }

func newPart() part { return made{} }

type space interface{ Space() *socketio.Namespace }

type place struct{ io *socketio.Server }

func (p place) Space() *socketio.Namespace { return p.io.Of("/found") }

type bound interface{ Run() }

type running struct{ ns *socketio.Namespace }

func (r running) Run() { _ = Bound.Emit(r.ns, "") }

type handler interface {
	Handle(ctx context.Context, s *socketio.Socket, r *socketio.Request) error
}

type reader struct{}

func (reader) Handle(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var name string
	if err := r.Scan(&name); err != nil {
		return err
	}
	return s.Emit("read", name)
}

type app struct{ parts []part }

// Mount is where they are.
func Mount(io *socketio.Server) {
	many := io.Of("/many")
	a := app{parts: []part{chat{}, &news{to: io.Of("/held")}}}
	a.parts = append(a.parts, derived{}, listed[int]{})
	for _, p := range a.parts {
		p.Mount(many)
	}

	// What is known to be in one is not what is in another.
	var one part = onlyA{}
	one.Mount(io.Of("/a"))
	var other part = onlyB{}
	other.Mount(io.Of("/b"))

	_ = Found.Emit(finds(place{io}).Space(), "")

	var later part = called{}
	mount := later.Mount
	mount(io.Of("/called"))

	wrapper{part: inner{}}.Mount(io.Of("/inner"))
	newPart().Mount(io.Of("/made"))

	var runs bound = running{io.Of("/bound")}
	runs.Run()

	var h handler = reader{}
	io.Of("/handled").On("read", h.Handle)
}

func finds(p place) space { return p }
