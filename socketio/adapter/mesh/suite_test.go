package mesh

import (
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// What every backend must do. There is no broker that could be taken away.
func TestSuite(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		at, next := free(t, 8), 0
		return adaptertest.Cluster{Adapter: func() adapter.Adapter {
			a, err := New(Options{Nodes: at, Listen: at[next], Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			next++
			return a
		}}
	})
}
