package socketio_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Sockets are counted on all nodes, whatever words the backend has.
func TestCount(t *testing.T) {
	for name, o := range map[string]adaptertest.BusOptions{
		"native":  {Traits: adapter.Traits{Ordered: true}},
		"routes":  {Traits: adapter.Traits{Ordered: true, Routes: true}},
		"mixed":   {Traits: adapter.Traits{Ordered: true, Mixed: true}},
		"no ids":  {Traits: adapter.Traits{Ordered: true, Mixed: true}, Without: []adapter.Kind{adapter.IDs}},
		"neither": {Traits: adapter.Traits{Ordered: true}, Without: []adapter.Kind{adapter.IDs, adapter.Has}},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, o, 3, nil, func(n *nodes) {
				t := n.t
				n.join(n.clients[0][0], "a")
				n.join(n.clients[2][0], "a")
				n.join(n.clients[2][1], "a")
				n.join(n.clients[2][1], "b")
				time.Sleep(time.Second)
				for _, c := range []struct {
					what string
					b    socketio.Broadcast
					want socketio.Reach
				}{
					{"all", n.srv[0].Address("/"), socketio.Reach{Sockets: 6, Nodes: 3}},
					{"a", n.srv[0].To("a"), socketio.Reach{Sockets: 3, Nodes: 2}},
					{"a, from where nobody is", n.srv[1].To("a"), socketio.Reach{Sockets: 3, Nodes: 2}},
					{"a but b", n.srv[1].To("a").Except("b"), socketio.Reach{Sockets: 2, Nodes: 2}},
					{"local", n.srv[2].To("a").Local(), socketio.Reach{Sockets: 2, Nodes: 1}},
					{"nobody", n.srv[1].To("nobody"), socketio.Reach{}},
					{"elsewhere", n.srv[1].Address("/nowhere"), socketio.Reach{}},
				} {
					if got, err := c.b.Count(t.Context()); err != nil || got != c.want {
						t.Errorf("%s: %+v, %v, want %+v", c.what, got, err, c.want)
					}
				}
			})
		})
	}
}

// A node that does not answer is named, and the others' sockets are counted.
func TestCountWithoutANode(t *testing.T) {
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, 3, nil, func(n *nodes) {
		n.bus.Cut("n2")
		got, err := n.srv[0].To().Count(n.t.Context())
		var missing *socketio.MissingAcksError
		if !errors.As(err, &missing) || !slices.Equal(missing.Nodes, []string{"n2"}) || got != (socketio.Reach{Sockets: 4, Nodes: 2}) {
			n.t.Errorf("%+v, %v", got, err)
		}
	})
}

// Address reaches a namespace that only another node has, and leaves none behind.
func TestAddress(t *testing.T) {
	for _, recovery := range []*socketio.Recovery{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			bus := adaptertest.NewBus()
			var srv []*socketio.Server
			for i := range 2 {
				srv = append(srv, socketio.New(&socketio.Options{Cluster: bus.Adapter(fmt.Sprint(i)), Recovery: recovery}))
			}
			srv[0].Of("/only-here")
			c := socketiotest.Serve(t, srv[0]).Connect(&socketiotest.Options{Namespace: "/only-here"})
			socketiotest.Serve(t, srv[1])
			time.Sleep(time.Second)
			to := srv[1].Address("only-here")
			if err := to.Emit("news", 1, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if got, err := to.Count(t.Context()); err != nil || got != (socketio.Reach{Sockets: 1, Nodes: 1}) {
				t.Errorf("%+v, %v", got, err)
			}
			if e := c.Next("news"); e.Arg(0).String() != "1" {
				t.Errorf("heard %v", e.Arg(0))
			}
			if list, err := to.FetchSockets(t.Context()); err != nil || len(list) != 1 || list[0].ID() != c.ID() {
				t.Errorf("%v, %v", list, err)
			}
			to.DisconnectSockets(true)
			c.Disconnected()
			for ns := range srv[1].Namespaces() {
				if ns.Name() != "/" {
					t.Errorf("%s was made", ns.Name())
				}
			}
		})
	}
}
