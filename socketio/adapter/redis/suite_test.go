//go:build unix

package redis

import (
	"strconv"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// suited is a server for the suite, with a relay before it for each node.
func suited[A adapter.Adapter](t *testing.T, build func(Options) (A, error)) adaptertest.Cluster {
	t.Helper()
	s := newServer(t)
	const queue = 200_000
	var mu sync.Mutex
	relays := map[adapter.Adapter]*adaptertest.Relay{}
	at := func(a adapter.Adapter) *adaptertest.Relay {
		mu.Lock()
		defer mu.Unlock()
		return relays[a]
	}
	return adaptertest.Cluster{
		Adapter: func() adapter.Adapter {
			r := adaptertest.NewRelay(t, s.addr)
			a, err := build(Options{Addrs: []string{r.Addr}, QueueBytes: queue})
			if err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			relays[a] = r
			return a
		},
		Stop:  s.kill,
		Start: s.start,
		Cut: func(a adapter.Adapter) {
			at(a).Refuse(true)
			at(a).Cut()
		},
		Mend: func(a adapter.Adapter) { at(a).Refuse(false) },
		Inject: func(ns string, raw []byte) {
			for _, c := range []string{"socket.io#" + ns + "#", "socket.io#" + ns + "#room#", "socket.io-request#" + ns + "#", "socket.io-response#" + ns + "#"} {
				s.do("PUBLISH", c, string(raw))
				s.do("SPUBLISH", c, string(raw))
			}
			s.do("XADD", "socket.io", "*", "uid", "cccccccccccccccc", "nsp", ns, "type", "3", "data", string(raw))
			s.do("XADD", "socket.io", "*", strconv.Itoa(len(raw)), string(raw))
		},
		QueueBytes: queue,
	}
}

func TestSuiteClassic(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster { return suited(t, New) })
}

func TestSuiteStreams(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster { return suited(t, NewStreams) })
}

func TestSuiteSharded(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster { return suited(t, NewSharded) })
}
