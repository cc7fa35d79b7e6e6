package socketio_test

import (
	"context"
	"log"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// docs:presence
const (
	name   socketio.Key[string]     = "name"   // of a socket; recovery brings it back
	people socketio.Event[[]string] = "people" // who is in the lobby
)

func presence(chat *socketio.Namespace) {
	var telling sync.Mutex // held while the lobby is told, so that what it hears last is how it is
	tell := func() {
		telling.Lock()
		defer telling.Unlock()
		here := []string{}
		for s := range chat.RoomSockets("lobby") {
			n, _ := name.Get(s)
			here = append(here, n)
		}
		slices.Sort(here)
		if err := people.Emit(chat.To("lobby"), here); err != nil {
			log.Print(err)
		}
	}
	chat.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		if !s.Recovered() { // else it has its name and is in the lobby
			n, _ := s.Handshake().Auth()["name"].(string)
			name.Set(s, n)
			if err := s.Join("lobby"); err != nil {
				log.Print(err)
			}
		}
		tell() // of one that was recovered, too: the others have seen it go
	})
	chat.OnDisconnect(func(ctx context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
		tell()
	})
}

// docs:end

func ExampleNamespace_RoomSockets() {
	srv := socketio.New(&socketio.Options{Recovery: &socketio.Recovery{}})
	presence(srv.Of("/chat"))
	srv.Close()
}

// TestPresence: everybody knows who is there, after every way to go and to come
// back.
func TestPresence(t *testing.T) {
	for _, c := range []struct {
		way  string
		busy bool // a handler of the lost socket is at work until the client is back
		back func(c *socketiotest.Client) *socketiotest.Client
	}{
		{way: "the loss was noticed", back: func(c *socketiotest.Client) *socketiotest.Client {
			c.Cut()
			time.Sleep(50 * time.Second)
			return c.Reconnect()
		}},
		{way: "the loss was not noticed", back: func(c *socketiotest.Client) *socketiotest.Client {
			c.StopReading()
			return c.Reconnect()
		}},
		{way: "OnDisconnect comes after OnConnect", busy: true, back: func(c *socketiotest.Client) *socketiotest.Client {
			c.Cut()
			time.Sleep(50 * time.Second)
			return c.Reconnect()
		}},
	} {
		t.Run(c.way, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *socketiotest.Options) {
				opts := quiet()
				opts.Recovery = &socketio.Recovery{}
				srv := socketio.New(opts)
				chat := srv.Of("/chat")
				presence(chat)
				release := make(chan struct{})
				chat.On("work", func(context.Context, *socketio.Socket, *socketio.Request) error { <-release; return nil })
				var ends []bool // of sockets, whether the client was back by then
				chat.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) {
					_, back := chat.Socket(s.ID())
					ends = append(ends, back)
				})
				server := socketiotest.Serve(t, srv)
				join := func(name string) *socketiotest.Client {
					return server.Connect(&socketiotest.Options{Namespace: "/chat", Transport: o.Transport, Auth: map[string]any{"name": name}})
				}
				ann, bob := join("Ann"), join("Bob")
				synctest.Wait()
				if c.busy {
					ann.Emit("work")
					synctest.Wait()
				}
				ann = c.back(ann)
				synctest.Wait()
				if c.busy == (len(ends) > 0) {
					t.Fatalf("%d sockets have ended", len(ends))
				}
				close(release)
				synctest.Wait()
				if len(ends) != 1 || c.busy && !ends[0] {
					t.Fatalf("of the ends %v", ends)
				}
				for who, c := range map[string]*socketiotest.Client{"Ann": ann, "Bob": bob} {
					var here []string
					for _, e := range c.Events() {
						e.Scan(&here)
					}
					if !slices.Equal(here, []string{"Ann", "Bob"}) {
						t.Errorf("%s sees %q", who, here)
					}
				}
				ann.Disconnect()
				synctest.Wait()
				var here []string
				for _, e := range bob.Events() {
					e.Scan(&here)
				}
				if !slices.Equal(here, []string{"Bob"}) {
					t.Errorf("at last, Bob sees %q", here)
				}
			})
		})
	}
}

// TestRoomSockets: each socket of a room once, and of a pattern's namespaces all.
func TestRoomSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := socketio.New(quiet())
		rooms := srv.OfFunc(func(context.Context, string, *socketio.Handshake) bool { return true })
		server := socketiotest.Serve(t, srv)
		var ids []string
		for _, ns := range []string{"/a", "/b"} {
			for range 2 {
				ids = append(ids, server.Connect(&socketiotest.Options{Namespace: ns}).ID())
			}
		}
		synctest.Wait()
		for s := range rooms.Sockets() {
			if err := s.Join("all"); err != nil {
				t.Error(err)
			}
		}
		in := func(ns *socketio.Namespace, room string) (list []string) {
			for s := range ns.RoomSockets(room) {
				list = append(list, s.ID())
				s.Leave("other") // no lock is held
			}
			slices.Sort(list)
			return list
		}
		want := slices.Sorted(slices.Values(ids))
		if got := in(rooms, "all"); !slices.Equal(got, want) {
			t.Errorf("all: %q, not %q", got, want)
		}
		a, _ := rooms.Socket(ids[0])
		if got := in(a.Namespace(), "all"); !slices.Equal(got, slices.Sorted(slices.Values(ids[:2]))) {
			t.Errorf("/a: %q", got)
		}
		if got := in(rooms, ids[3]); !slices.Equal(got, ids[3:]) {
			t.Errorf("an id: %q", got)
		}
		if got := in(rooms, "nobody"); got != nil {
			t.Errorf("an empty room: %q", got)
		}
		for s := range rooms.RoomSockets("all") {
			if s.ID() != "" {
				break // an early end is fine
			}
		}
	})
}
