//go:build unix

package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/cluster"
)

// nobody is a host that does nothing.
type nobody struct{}

func (nobody) Handle(*adapter.Message)               {}
func (nobody) Wants(string, string) bool             { return true }
func (nobody) Gather(bool)                           {}
func (nobody) Tell(cluster.Event)                    {}
func (nobody) ReadBack(string, uint64, adapter.Mark) {}

// A node whose server was killed stops soon: what waits for it is counted as
// dropped.
func TestNodeStopsAfterLoss(t *testing.T) {
	for name, build := range map[string]func(Options) (adapter.Adapter, error){
		"classic": func(o Options) (adapter.Adapter, error) { return New(o) },
		"streams": func(o Options) (adapter.Adapter, error) { return NewStreams(o) },
		"sharded": func(o Options) (adapter.Adapter, error) { return NewSharded(o) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			a, err := build(Options{Addrs: []string{s.addr}})
			if err != nil {
				t.Fatal(err)
			}
			c := cluster.New(cluster.Options{Adapter: a, Host: nobody{}, Heartbeat: 5 * time.Second, Dead: 10 * time.Second, Questions: 10})
			c.Interest(adapter.Interest{NS: "/", On: true})
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			until(t, "up", func() bool { return c.State().Connection == adapter.Up })
			s.kill()
			until(t, "the loss is told", func() bool { return c.State().Connection == adapter.Degraded })
			for range 3 {
				if err := c.Publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: text(`["n"]`)}); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(30*time.Second))
			defer cancel()
			if err := c.Close(ctx); !errors.Is(err, adapter.ErrAway) {
				t.Errorf("Close: %v", err)
			}
			if st := c.Stats().Adapter; st.Dropped["broadcast"] != 3 || st.Queued != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}
