package main

import (
	"context"

	"github.com/sockeye-io/sockeye/socketio"
)

const (
	Say  socketio.Event[string] = "say"  // heard from browsers
	Line socketio.Event[string] = "line" // said to browsers
)

func chat(srv *socketio.Server) {
	Say.On(srv, func(_ context.Context, s *socketio.Socket, text string) error {
		return Line.Emit(srv, text) // to everybody
	})
}
