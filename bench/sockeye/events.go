package main

import (
	"context"
	"fmt"

	"github.com/sockeye-io/sockeye/socketio"
)

// object is the generator's payload of kind "object", every field of it.
type object struct {
	Active  bool     `json:"active"`
	Author  author   `json:"author"`
	Body    string   `json:"body"`
	Created int64    `json:"created"`
	ID      string   `json:"id"`
	Meta    metadata `json:"meta"`
	Room    string   `json:"room"`
	Seen    []int    `json:"seen"`
}

type author struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

type metadata struct {
	Lang  string   `json:"lang"`
	Score float64  `json:"score"`
	Tags  []string `json:"tags"`
}

// register adds the four events the generator sends. How echo reads its
// argument is told by mode: "raw" (also the default) sends the bytes back as
// they came, "string", "struct" and "any" decode them into that type first.
func register(ns *socketio.Namespace, mode string) error {
	switch mode {
	case "", "raw":
		ns.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			return r.Ack(r.Arg(0))
		})
	case "string":
		socketio.Call[string, string]("echo").On(ns, same[string])
	case "struct":
		socketio.Call[object, object]("echo").On(ns, same[object])
	case "any":
		socketio.Call[any, any]("echo").On(ns, same[any])
	default:
		return fmt.Errorf("ECHO=%q: want raw, string, struct or any", mode)
	}
	ns.On("broadcast", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		return ns.Emit("broadcast", r.Arg(0))
	})
	ns.On("join", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		var room string
		if err := r.Arg(0).Decode(&room); err != nil {
			return err
		}
		s.Join(room)
		return r.Ack()
	})
	ns.On("room", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		var room string
		if err := r.Arg(0).Decode(&room); err != nil {
			return err
		}
		return ns.To(room).Emit("room", r.Arg(1))
	})
	return nil
}

func same[T any](_ context.Context, _ *socketio.Socket, v T) (T, error) { return v, nil }
