package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// A server alone gives a key to the first who asks, until its time is over, and
// holds no more than it may.
func TestClaimAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := socketio.New(nil)
		defer srv.Shutdown(context.Background())
		claim := func(key string, ttl time.Duration, want bool) {
			t.Helper()
			if got, err := srv.Claim(t.Context(), key, ttl); got != want || err != nil {
				t.Errorf("%.20q: %v, %v, want %v", key, got, err, want)
			}
		}
		claim("a", time.Second, true)
		claim("a", time.Hour, false)
		claim("b", time.Hour, true)
		<-time.After(time.Second)
		claim("a", time.Hour, true)
		claim("a", time.Hour, false)
		for i := range 99_998 {
			claim(fmt.Sprint(i), time.Minute, true)
		}
		if _, err := srv.Claim(t.Context(), "one more", time.Second); !errors.Is(err, socketio.ErrTooManyClaims) {
			t.Error(err)
		}
		claim("a", time.Hour, false) // what is held still is
		<-time.After(time.Minute)
		claim("one more", time.Second, true)
		claim("b", time.Second, false)
		for _, key := range []string{"", strings.Repeat("x", 1025)} {
			if ok, err := srv.Claim(t.Context(), key, time.Hour); ok || err == nil {
				t.Error(ok, err)
			}
		}
		if ok, err := srv.Claim(t.Context(), "c", 0); ok || err == nil {
			t.Error(ok, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if ok, err := srv.Claim(ended, "c", time.Hour); ok || !errors.Is(err, context.Canceled) {
			t.Error(ok, err)
		}
	})
}

// Where the backend cannot tell who was first it is the server with the lowest id:
// one of all that know one another, and the next one when it has stopped.
func TestClaimByLowest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var all []*socketio.Server
		for i := range 5 {
			all = append(all, socketio.New(&socketio.Options{Cluster: bus.Adapter(fmt.Sprint(i))}))
		}
		<-time.After(time.Second)
		claims := func(key string) (mine []int) {
			for i, srv := range all {
				if srv == nil {
					continue
				}
				for range 2 {
					ok, err := srv.Claim(t.Context(), key, time.Hour)
					if err != nil {
						t.Error(err)
					}
					if ok {
						mine = append(mine, i)
					}
				}
			}
			return mine
		}
		for round := range all {
			mine := claims(fmt.Sprint("key ", round))
			if len(mine) != 1 {
				t.Fatalf("claimed by %v of %d", mine, len(all)-round)
			}
			if err := all[mine[0]].Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			all[mine[0]] = nil
			<-time.After(time.Second)
		}
		last := socketio.New(&socketio.Options{Cluster: bus.Adapter("last")})
		defer last.Shutdown(context.Background())
		bus.Stop()
		<-time.After(time.Second)
		if ok, err := last.Claim(t.Context(), "key", time.Hour); ok || !errors.Is(err, socketio.ErrNotConnected) {
			t.Error(ok, err)
		}
		bus.Start()
	})
}

// claimer is a backend that can tell.
type claimer struct {
	adapter.Adapter
	asked chan time.Duration // how long there was for an answer
}

func (c claimer) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	deadline, _ := ctx.Deadline()
	c.asked <- time.Until(deadline)
	return key == "mine" && ttl == time.Hour, nil
}

// A backend that can tell is asked, for no longer than an answer may take.
func TestClaimByBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := claimer{adaptertest.NewBus().Adapter("a"), make(chan time.Duration, 1)}
		srv := socketio.New(&socketio.Options{Cluster: c, ClusterOptions: socketio.ClusterOptions{AnswerTimeout: 3 * time.Second}})
		defer srv.Shutdown(context.Background())
		for key, want := range map[string]bool{"mine": true, "another's": false} {
			if got, err := srv.Claim(context.Background(), key, time.Hour); got != want || err != nil {
				t.Error(got, err)
			}
			if patience := <-c.asked; patience != 3*time.Second {
				t.Error(patience)
			}
		}
	})
}
