package main

import (
	"context"
	"log"
	"slices"
	"strings"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
)

const (
	Join   socketio.Call[string, string] = "join"
	Say    socketio.Call[string, bool]   = "say" // answered, so that who says it knows
	Line   socketio.Event[Message]       = "line"
	People socketio.Event[[]string]      = "people" // who is in your room

	Name socketio.Key[string] = "name"
	Room socketio.Key[string] = "room"
)

// Message is what a browser gets to show.
type Message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// crowd tells rooms who is in them.
type crowd struct {
	srv *socketio.Server
	mu  sync.Mutex // held while a room is told, so that what it hears last is how it is
}

func chat(srv *socketio.Server) {
	here := &crowd{srv: srv}
	srv.Use(named)

	Join.On(srv, func(ctx context.Context, s *socketio.Socket, room string) (string, error) {
		if room == "" || len(room) > 20 {
			return "", socketio.Errorf("bad_room", "a room's name has 1 to 20 letters")
		}
		old, moved := Room.Get(s)
		if moved {
			s.Leave("chat:" + old)
		}
		Room.Set(s, room)
		if err := s.Join("chat:" + room); err != nil {
			return "", err
		}
		if moved {
			here.tell(ctx, old)
		}
		here.tell(ctx, room)
		return "You are in " + room + ".", nil
	})
	Say.On(srv, func(_ context.Context, s *socketio.Socket, text string) (bool, error) {
		name, _ := Name.Get(s)
		room, ok := Room.Get(s)
		if !ok {
			return false, socketio.Errorf("no_room", "join a room first")
		}
		return true, Line.Emit(srv.To("chat:"+room), Message{From: name, Text: text})
	})
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		if room, ok := Room.Get(s); ok && s.Recovered() { // the others have seen it go
			here.tell(ctx, room)
		}
	})
	srv.OnDisconnect(func(ctx context.Context, s *socketio.Socket, _ socketio.DisconnectReason) {
		if room, ok := Room.Get(s); ok {
			here.tell(context.WithoutCancel(ctx), room) // its own context has ended with it
		}
	})
}

// tell tells a room who is in it.
func (c *crowd) tell(ctx context.Context, room string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sockets, err := c.srv.In("chat:" + room).FetchSockets(ctx)
	if err != nil {
		log.Print(err) // a node has not answered; what the others have is here
	}
	names := []string{}
	for _, s := range sockets {
		if name, ok := s.Data()["name"].(string); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if err := People.Emit(c.srv.To("chat:"+room), names); err != nil {
		log.Print(err)
	}
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
