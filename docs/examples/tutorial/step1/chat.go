package main

import (
	"context"
	"log"

	"github.com/sockeye-io/sockeye/socketio"
)

// Line is the event that shows a line of text. Its payload is a string.
const Line socketio.Event[string] = "line"

func chat(srv *socketio.Server) {
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) {
		if err := Line.Emit(s, "Welcome!"); err != nil { // to this one
			log.Print(err)
		}
	})
}
