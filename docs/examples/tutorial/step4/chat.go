package main

import (
	"context"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
)

const (
	Join socketio.Call[string, string] = "join" // a question with an answer
	Say  socketio.Event[string]        = "say"
	Line socketio.Event[Message]       = "line"

	Name socketio.Key[string] = "name"
	Room socketio.Key[string] = "room"
)

// Message is what a browser gets to show.
type Message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

func chat(srv *socketio.Server) {
	srv.Use(named)

	Join.On(srv, func(_ context.Context, s *socketio.Socket, room string) (string, error) {
		if room == "" || len(room) > 20 {
			return "", socketio.Errorf("bad_room", "a room's name has 1 to 20 letters")
		}
		if old, ok := Room.Get(s); ok {
			s.Leave("chat:" + old)
		}
		Room.Set(s, room)
		return "You are in " + room + ".", s.Join("chat:" + room)
	})
	Say.On(srv, func(_ context.Context, s *socketio.Socket, text string) error {
		name, _ := Name.Get(s)
		room, ok := Room.Get(s)
		if !ok {
			return socketio.Errorf("no_room", "join a room first")
		}
		return Line.Emit(srv.To("chat:"+room), Message{From: name, Text: text})
	})
}

// named lets in who says a name.
func named(_ context.Context, s *socketio.Socket) error {
	var auth struct{ Name string }
	if err := s.Handshake().DecodeAuth(&auth); err != nil || strings.TrimSpace(auth.Name) == "" {
		return socketio.Errorf("no_name", "please say who you are")
	}
	Name.Set(s, auth.Name)
	return nil
}
