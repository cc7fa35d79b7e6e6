package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// holding is an adapter that has something to send when it is closed: it is done
// when sent is closed.
type holding struct {
	silent
	sent chan struct{}
}

func (a *holding) Close(ctx context.Context) error {
	select {
	case <-a.sent:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A node that stops waits for its broker while there is hope: a while after it was
// lost, however often it says why, and anew when it was back meanwhile; as long as
// it may while the broker is there.
func TestCloseWhileTheBrokerIsAway(t *testing.T) {
	up, down, never := adapter.State{Connection: adapter.Up}, adapter.State{Connection: adapter.Degraded}, adapter.State{}
	type then struct {
		after time.Duration
		state adapter.State
	}
	for name, c := range map[string]struct {
		before []adapter.State
		then   []then
		sent   time.Duration // when all is sent; 0: never
		took   time.Duration
		err    error
	}{
		"there":                    {before: []adapter.State{up}, took: 10 * time.Second, err: context.DeadlineExceeded},
		"there, and done":          {before: []adapter.State{up}, sent: 9 * time.Second, took: 9 * time.Second},
		"never there":              {took: strangers, err: adapter.ErrAway},
		"not there yet":            {before: []adapter.State{never}, took: strangers, err: adapter.ErrAway},
		"lost":                     {before: []adapter.State{up, down}, took: hope, err: adapter.ErrAway},
		"lost, and back":           {before: []adapter.State{up, down}, then: []then{{time.Second, up}}, sent: 5 * time.Second, took: 5 * time.Second},
		"lost, for other reasons":  {before: []adapter.State{up, down}, then: []then{{time.Second, down}}, took: hope, err: adapter.ErrAway},
		"lost meanwhile":           {before: []adapter.State{up}, then: []then{{5 * time.Second, down}}, took: 5*time.Second + hope, err: adapter.ErrAway},
		"lost twice":               {before: []adapter.State{up, down}, then: []then{{time.Second, up}, {3 * time.Second, down}}, took: 4*time.Second + hope, err: adapter.ErrAway},
		"there for the first time": {then: []then{{time.Second / 2, up}}, sent: 5 * time.Second, took: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &holding{sent: make(chan struct{})}
				core := New(Options{Adapter: a, Host: new(host), Heartbeat: 5 * time.Second, Dead: 10 * time.Second, Questions: 100})
				if err := core.Start(); err != nil {
					t.Fatal(err)
				}
				for _, s := range c.before {
					a.in.State(s)
				}
				time.Sleep(time.Minute)
				if c.sent > 0 {
					time.AfterFunc(c.sent, func() { close(a.sent) })
				}
				go func() {
					for _, next := range c.then {
						time.Sleep(next.after)
						a.in.State(next.state)
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				err := core.Close(ctx)
				if took := time.Since(began); took != c.took || !errors.Is(err, c.err) {
					t.Errorf("closed after %v, with %v; want %v, %v", took, err, c.took, c.err)
				}
			})
		})
	}
}
