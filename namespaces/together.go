package namespaces

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// patience is how long a demo waits for the other nodes of its cluster.
const patience = 2 * time.Second

// together is rooms that the nodes of a cluster keep together: what is done in
// one on one node is done on all nodes where somebody is in it, and each tells
// its own sockets. Who is the first in a room on a node asks the others for what
// they have. On a server alone it is rooms, and nothing more.
type together[T, Op any] struct {
	*rooms[T]
	do   func(room string, v *T, op Op)        // changes v, and tells the sockets here
	give func(v *T) any                        // what another node is told of v
	take func(v *T, theirs socketio.Raw) error // adds what another node has told
}

// keepTogether makes rooms of a namespace, which must not be another's.
func keepTogether[T, Op any](ns *socketio.Namespace, t together[T, Op]) *together[T, Op] {
	t.rooms = keepRooms[T](ns)
	t.rooms.enter = t.ask
	heard(ns, "op", func(r *socketio.Request, room string) error {
		var op Op
		if err := r.Arg(1).Decode(&op); err != nil {
			return err
		}
		t.there(room, func(v *T) { t.do(room, v, op) })
		return nil
	})
	heard(ns, "state", func(r *socketio.Request, room string) error {
		var state any
		t.there(room, func(v *T) { state = t.give(v) })
		return r.Ack(state)
	})
	return &t
}

// heard has f called for what other nodes say of a room, if there are others.
func heard(ns *socketio.Namespace, event string, f func(r *socketio.Request, room string) error) {
	// Without a cluster there is nobody to hear.
	_ = ns.OnServerSide(event, func(_ context.Context, r *socketio.Request) error {
		var room string
		if err := r.Scan(&room); err != nil {
			return err
		}
		return f(r, room)
	})
}

// tell tells the other nodes what was done in a room. It is for an f of in, so
// that they are told in the same order.
func (t *together[T, Op]) tell(room string, op Op) {
	_ = t.ns.ServerSideEmit("op", room, op) // alone there is nobody; what is not sent is counted
}

// ask asks the other nodes for what they have of a room that is new here.
func (t *together[T, Op]) ask(room string) {
	for _, theirs := range others(t.ns, "state", room) {
		t.there(room, func(v *T) { _ = t.take(v, theirs) }) // what makes no sense adds nothing
	}
}

// others asks the other nodes something of a room, and returns what they say
// that is not null.
func others(ns *socketio.Namespace, event, room string, args ...any) (list []socketio.Raw) {
	if _, ok := ns.Server().Cluster(); !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answers, _ := ns.ServerSideEmitWithAck(ctx, event, append([]any{room}, args...)...) // those that have come
	for _, a := range answers {
		if !a.Arg(0).IsZero() && !a.Arg(0).IsNull() {
			list = append(list, a.Arg(0))
		}
	}
	return list
}

// leads reports whether this node is the one of its cluster that decides where
// one has to.
func leads(io *socketio.Server) bool {
	st, _ := io.Cluster()
	for _, n := range st.Others {
		if n.ID < st.Node {
			return false
		}
	}
	return true
}
