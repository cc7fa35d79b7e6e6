package main

import (
	"context"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
)

const (
	Say  socketio.Event[string]  = "say"
	Line socketio.Event[Message] = "line"

	Name socketio.Key[string] = "name" // what we keep with a socket
)

// Message is what a browser gets to show.
type Message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

func chat(srv *socketio.Server) {
	srv.Use(func(_ context.Context, s *socketio.Socket) error { // before anybody is connected
		var auth struct{ Name string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || strings.TrimSpace(auth.Name) == "" {
			return socketio.Errorf("no_name", "please say who you are")
		}
		Name.Set(s, auth.Name)
		return nil
	})
	Say.On(srv, func(_ context.Context, s *socketio.Socket, text string) error {
		name, _ := Name.Get(s)
		return Line.Emit(srv, Message{From: name, Text: text})
	})
}
