package socketio_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// What a server of Node's turns into: docs/node-to-sockeye.md has these beside
// their originals.

// docs:names
const (
	Rename socketio.Call[string, NewName] = "rename"
	Typing socketio.Event[bool]           = "typing"
	Ready  socketio.Call[string, bool]    = "ready?"
	User   socketio.Key[string]           = "user"
)

type NewName struct {
	Name string `json:"name"`
}

// docs:end

func fromNode(srv *socketio.Server, log func(...any)) *socketio.Namespace {
	// docs:auth
	chat := srv.Of("/chat")
	chat.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token == "" {
			return socketio.Errorf("unauthorized", "a token is needed")
		}
		User.Set(s, auth.Token)
		return nil
	})
	// docs:end
	// docs:rooms
	chat.OnConnect(func(_ context.Context, s *socketio.Socket) {
		if err := s.Join("lobby"); err != nil {
			log(err)
		}
		if err := s.To("lobby").Emit("joined", s.ID()); err != nil {
			log(err)
		}
	})
	// docs:end
	// docs:events
	Rename.On(chat, func(_ context.Context, s *socketio.Socket, name string) (NewName, error) {
		return NewName{Name: name}, nil // the acknowledgement
	})
	Typing.On(chat, func(_ context.Context, s *socketio.Socket, on bool) error {
		return Typing.Emit(s.To("lobby").Volatile(), on)
	})
	// docs:end
	// docs:leave
	chat.OnDisconnecting(func(_ context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
		log(s.Rooms(), reason) // still in its rooms
	})
	// docs:end
	return chat
}

func ask(ctx context.Context, chat *socketio.Namespace, log func(...any)) {
	// docs:ask
	for ready, err := range Ready.Collect(ctx, chat.To("lobby").Timeout(5*time.Second), "round 1") {
		log(ready, err) // who has not answered in time is an error
	}
	sockets, err := chat.In("lobby").FetchSockets(ctx)
	log(len(sockets), err)
	chat.In("lobby").DisconnectSockets(true)
	// docs:end
}

func TestFromNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := socketio.New(nil)
		var mu sync.Mutex
		var said []string
		say := func(v ...any) { // from the sockets' goroutines, too
			mu.Lock()
			said = append(said, fmt.Sprintln(v...))
			mu.Unlock()
		}
		chat := fromNode(srv, say)
		host := socketiotest.Serve(t, srv)
		with := &socketiotest.Options{Namespace: "/chat", Auth: map[string]any{"token": "t"}}
		a := host.Connect(with)
		a.Handle("ready?", func(e *socketiotest.Event) { e.Ack(true) })
		b := host.Connect(with)
		b.Handle("ready?", func(e *socketiotest.Event) { e.Ack(false) })
		a.Next("joined")
		var name NewName
		b.Ask("rename", "Ada").Scan(&name)
		if name.Name != "Ada" {
			t.Error(name)
		}
		ask(t.Context(), chat, say)
		synctest.Wait()
		if a.Connected() || b.Connected() || len(said) != 5 {
			t.Errorf("%q", said)
		}
	})
}
