package namespaces

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// What is kept for a room waits for its last member who was cut off, and not for
// one who has left.
func TestRoomsWaitForThoseWhoWereCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		gone  func(c *socketiotest.Client)
		lines int // that are there afterwards
	}{
		"cut off":            {func(c *socketiotest.Client) { c.Cut(); time.Sleep(90 * time.Second) }, 1},
		"cut off for longer": {func(c *socketiotest.Client) { c.Cut(); time.Sleep(comeBack + time.Minute) }, 0},
		"goodbye":            {func(c *socketiotest.Client) { c.Disconnect(); time.Sleep(time.Second) }, 0},
		"another room":       {func(c *socketiotest.Client) { c.Ask("join", Seat{"other", "Ann"}) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				io := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler), Recovery: &socketio.Recovery{}})
				Chat(io.Of("/demo"))
				server := socketiotest.Serve(t, io)
				ann := server.Connect(&socketiotest.Options{Namespace: "/demo"})
				ann.Ask("join", Seat{"r", "Ann"})
				if _, err := socketiotest.Ask(ann, ChatSay, "hello"); err != nil {
					t.Fatal(err)
				}
				c.gone(ann)
				synctest.Wait()
				if c.lines > 0 {
					ann = ann.Reconnect()
					if _, err := socketiotest.Ask(ann, ChatSay, "hello again"); err != nil {
						t.Error(err)
					}
					c.lines++
					time.Sleep(2 * comeBack) // the end that was put off does not come later
				}
				bob := server.Connect(&socketiotest.Options{Namespace: "/demo"})
				a, err := socketiotest.Ask(bob, ChatJoin, Seat{"r", "Bob"})
				if err != nil {
					t.Fatal(err)
				}
				if lines := list[Line](t, a.History); len(lines) != c.lines {
					t.Errorf("%d lines are there, want %d", len(lines), c.lines)
				}
			})
		})
	}
}

// Rooms that nobody is in keep nobody out, and give way before others.
func TestEmptyRoomsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := &socketio.Options{Logger: slog.New(slog.DiscardHandler)}
		opts.Engine.ClientIPHeader, opts.Engine.TrustedProxies = "X-Real-Ip", []string{"127.0.0.1"}
		io := socketio.New(opts)
		var kept *rooms[int]
		ns := io.Of("/demo")
		kept = keepRooms[int](ns)
		server := socketiotest.Serve(t, io)
		sits := func(addr, room string) (*socketiotest.Client, error) {
			c := server.Connect(&socketiotest.Options{Namespace: "/demo", Header: http.Header{"X-Real-Ip": {addr}}})
			synctest.Wait()
			s, _ := ns.Socket(c.ID())
			if err := s.Join(room); err != nil {
				t.Fatal(err)
			}
			return c, kept.in(room, func(n *int) { *n++ })
		}
		stays, err := sits("192.0.2.1", "stays")
		if err != nil {
			t.Fatal(err)
		}
		alone, err := sits("192.0.2.9", "alone")
		if err != nil {
			t.Fatal(err)
		}
		alone.Cut()
		for i := range 2 * maxRooms {
			c, err := sits("192.0.2.1", fmt.Sprint(i))
			if err != nil {
				t.Fatalf("room %d: %v", i, err)
			}
			c.Cut()
			synctest.Wait()
		}
		kept.mu.Lock()
		if len(kept.m) != maxRooms || kept.m["stays"] == nil || kept.m["alone"] == nil || kept.m[fmt.Sprint(2*maxRooms-1)] == nil {
			t.Errorf("%d rooms are kept; with somebody in it: %v; of another: %v", len(kept.m), kept.m["stays"], kept.m["alone"])
		}
		kept.mu.Unlock()
		time.Sleep(comeBack + time.Minute)
		synctest.Wait()
		kept.mu.Lock()
		if len(kept.m) != 1 || len(kept.first) != 1 {
			t.Errorf("%d rooms are kept in the end", len(kept.m))
		}
		kept.mu.Unlock()
		stays.Close()
	})
}
