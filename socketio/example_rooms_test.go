package socketio_test

import (
	"context"
	"log"

	"github.com/sockeye-io/sockeye/socketio"
)

type line struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// docs:events
const (
	say  socketio.Event[line]          = "say"  // said and heard
	join socketio.Call[string, int]    = "join" // heard, answered with how many are there
	news socketio.Event[string]        = "news" // said
	bye  socketio.Event[socketio.None] = "bye"
)

// docs:end

func ExampleSocket_Join() {
	srv := socketio.New(nil)
	chat := srv.Of("/chat")
	// docs:rooms
	join.On(chat, func(ctx context.Context, s *socketio.Socket, room string) (int, error) {
		if err := s.Join(room); err != nil {
			return 0, err
		}
		return chat.RoomLen(room), nil
	})
	say.On(chat, func(ctx context.Context, s *socketio.Socket, l line) error {
		if !s.InRoom(l.Room) {
			return socketio.Errorf("not_there", "join %s first", l.Room)
		}
		return say.Emit(s.To(l.Room), l) // to all others in the room
	})
	chat.OnDisconnecting(func(ctx context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
		for _, room := range s.Rooms() { // they are still there
			log.Printf("%s leaves %s: %s", s.ID(), room, reason)
		}
	})
	// docs:end
	srv.Close()
}

func ExampleBroadcast() {
	srv := socketio.New(nil)
	chat := srv.Of("/chat")
	// docs:broadcast
	staff := chat.To("editors", "admins").Except("muted") // a value: keep it, share it
	if err := news.Emit(staff, "the presses roll"); err != nil {
		log.Print(err) // it cannot be encoded
	}
	if err := chat.Volatile().Emit("cursor", 3, 4); err != nil { // who is slow misses it
		log.Print(err)
	}
	chat.In("lobby").SocketsJoin("hall")
	chat.In("banned").DisconnectSockets(true)
	// docs:end
	if err := bye.Emit(chat, socketio.None{}); err != nil {
		log.Print(err)
	}
	srv.Close()
}
