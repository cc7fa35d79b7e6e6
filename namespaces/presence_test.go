package namespaces

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestPresenceAfterRecovery: who was cut off and came back is there, for
// everybody and on every page that shows it.
func TestPresenceAfterRecovery(t *testing.T) {
	named := func(name string) any { return Seat{"r", name} }
	for demo, c := range map[string]struct {
		run  func(*socketio.Namespace)
		seat func(name string) any
		want string
	}{
		"chat":    {Chat, named, "Ann,Bob"},
		"cursors": {Cursors, func(name string) any { return EditorSeat{Seat: Seat{"r", name}} }, "Ann,Bob"},
		"binary":  {Binary, named, "Ann,Bob"},
		"board":   {Whiteboard, func(string) any { return "r" }, "2"},
	} {
		for way, back := range map[string]func(c *socketiotest.Client) *socketiotest.Client{
			"noticed": func(c *socketiotest.Client) *socketiotest.Client {
				c.Cut()
				time.Sleep(50 * time.Second)
				return c.Reconnect()
			},
			"not noticed": func(c *socketiotest.Client) *socketiotest.Client {
				c.StopReading()
				return c.Reconnect()
			},
		} {
			t.Run(demo+"/"+strings.ReplaceAll(way, " ", "-"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					io := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler), Recovery: &socketio.Recovery{}})
					c.run(io.Of("/demo"))
					server := socketiotest.Serve(t, io)
					clients := map[string]*socketiotest.Client{}
					for _, name := range []string{"Ann", "Bob"} {
						clients[name] = server.Connect(&socketiotest.Options{Namespace: "/demo"})
						clients[name].Ask("join", c.seat(name))
					}
					time.Sleep(5 * time.Second) // the pause after the news
					clients["Ann"] = back(clients["Ann"])
					time.Sleep(5 * time.Second)
					for name, client := range clients {
						seen := ""
						for _, e := range client.Events() {
							if e.Name != "people" {
								continue
							}
							var n int
							var people []Person
							if demo == "board" {
								e.Scan(&n)
								seen = string(rune('0' + n))
								continue
							}
							e.Scan(&people)
							var names []string
							for _, p := range people {
								names = append(names, p.Name)
							}
							slices.Sort(names)
							seen = strings.Join(names, ",")
						}
						if seen != c.want {
							t.Errorf("%s sees %q, not %q", name, seen, c.want)
						}
					}
				})
			})
		}
	}
}
