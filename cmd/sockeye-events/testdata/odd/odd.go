// Package odd has what cannot be told from the source.
package odd

import (
	"context"

	"github.com/sockeye-io/sockeye/cmd/sockeye-events/testdata/odd/away"
	"github.com/sockeye-io/sockeye/socketio"
)

// Own writes itself, and nobody says how.
type Own struct{}

// MarshalJSON writes it.
func (Own) MarshalJSON() ([]byte, error) { return []byte(`"own"`), nil }

// The events.
const (
	Line  socketio.Event[string]    = "line"
	Owned socketio.Event[Own]       = "owned"
	Pipe  socketio.Event[chan bool] = "pipe"
)

// Mount is where they are.
func Mount(io *socketio.Server, name string, later func(*socketio.Namespace)) {
	ns := io.Of("/odd")
	late := io.Of(name)
	Line.On(late, func(context.Context, *socketio.Socket, string) error { return nil })
	_ = Line.Emit(ns, "text")
	_ = ns.Emit("line", 5) // the page expects a text
	_ = ns.Emit(name, 5)
	_ = Owned.Emit(ns, Own{})
	_ = Pipe.Emit(ns, nil)
	later(ns)
	register(socketio.Event[int]("given"), ns)
	_ = ns.Emit(name, 5) //sockeye:ignore
}

type plugin interface {
	Mount(ns *socketio.Namespace) // nobody does
}

type attached interface {
	Attach(ns *socketio.Namespace) error // somebody does, and so does a type that is not read
}

type here struct{}

func (here) Attach(ns *socketio.Namespace) error { return Line.Emit(ns, "") }

// Plug is called by nobody, so what it is given is not known.
func Plug(io *socketio.Server, p plugin, a attached) {
	p.Mount(io.Of("/odd"))
	_ = a.Attach(io.Of("/odd"))
	_ = away.Plugin{}
}

// alone is called by nobody.
func alone(ns *socketio.Namespace) { _ = Line.Emit(ns, "") }

func register[T any](e socketio.Event[T], ns *socketio.Namespace) {
	e.On(ns, func(context.Context, *socketio.Socket, T) error { alone(nil); return nil })
}
