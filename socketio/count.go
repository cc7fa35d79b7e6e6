package socketio

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/rooms"
)

// Reach is how many sockets are addressed, and how many servers have any of
// them; see [Broadcast.Count].
type Reach struct {
	Sockets int
	Nodes   int
}

// Count tells how many sockets are addressed, those of other nodes too. After an
// Emit by the same goroutine it is how many that has reached, but for clients who
// have come or left in between. It costs each node an answer of a few bytes, or
// the ids of its sockets where Node's servers may take part. If some nodes do not
// answer in time (that of ctx, else ClusterOptions.AnswerTimeout), it returns
// what is known and a [*MissingAcksError] with the nodes' names. The error is
// [errors.ErrUnsupported] if the backend's format has no such question.
func (b Broadcast) Count(ctx context.Context) (Reach, error) {
	if err := ctx.Err(); err != nil {
		return Reach{}, err
	}
	var r Reach
	if r.Sockets = len(b.sockets()); r.Sockets > 0 {
		r.Nodes = 1
	}
	c := b.ns.srv.cluster
	if c == nil || b.local {
		return r, nil
	}
	var mu sync.Mutex
	err := b.eachLeaf(func(ns *Namespace) error {
		return c.count(ctx, &b, ns, func(n int) {
			mu.Lock()
			defer mu.Unlock()
			if n > 0 {
				r.Sockets += n
				r.Nodes++
			}
		})
	})
	mu.Lock()
	defer mu.Unlock()
	return r, err
}

// count asks the other nodes, by the shortest word that their format has.
func (c *clustered) count(ctx context.Context, b *Broadcast, ns *Namespace, take func(n int)) error {
	kinds := []adapter.Kind{adapter.Has, adapter.IDs, adapter.Fetch}
	if c.core.Traits().Mixed {
		kinds = kinds[1:] // servers of Node do not know the first
	}
	for _, k := range kinds {
		m := &adapter.Message{Kind: k, NS: ns.name}
		b.target(m)
		err := c.gather(ctx, m, b.timeout, func(a *adapter.Message) error {
			if k == adapter.Has {
				take(max(a.Count, 1) - 1)
				return nil
			}
			list, err := acknowledgement(a.Data)
			if err == nil {
				take(list.Len())
			}
			return err
		})
		if !errors.Is(err, adapter.ErrNoSuchKind) {
			return err
		}
	}
	return errors.ErrUnsupported
}

// Address addresses all sockets of a namespace, on whichever nodes of the cluster
// there is one of that name. Unlike Of it makes none, which makes it fit for names
// that come from outside: where there is none, nobody is addressed.
func (srv *Server) Address(name string) Broadcast {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	ns := srv.known(name)
	if ns == nil { // it has no sockets here, whatever others have
		ns = &Namespace{name: name, srv: srv, reg: &registry{log: srv.log}, index: rooms.New(seat)}
	}
	return ns.all()
}
