package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/cluster"
)

// A gathering is a question to the other nodes, and the one who waits until it
// is over.
type gathering struct {
	take func(m *adapter.Message) error // an answer
	done chan cluster.Left
}

// Answer implements cluster.Asker.
func (g *gathering) Answer(m *adapter.Message) { _ = g.take(m) } // one that makes no sense is none

// Done implements cluster.Asker.
func (g *gathering) Done(left cluster.Left) { g.done <- left }

// gather asks the other nodes and waits for their answers, which take gets one
// at a time: until all have answered, or ctx ends, or wait is over (0 is
// AnswerTimeout, if ctx has no deadline).
func (c *clustered) gather(ctx context.Context, m *adapter.Message, wait time.Duration, take func(*adapter.Message) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g := &gathering{take: take, done: make(chan cluster.Left, 1)}
	q, err := c.core.Ask(m, g)
	if err != nil {
		return clusterError(err)
	}
	if _, ok := ctx.Deadline(); !ok {
		wait = cmp.Or(wait, c.srv.opts.ClusterOptions.AnswerTimeout)
	}
	var expired <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		expired = t.C
	}
	cause := ErrNodeLost
	var left cluster.Left
	select {
	case left = <-g.done:
	case <-expired:
		left, cause = q.End(), ErrAckTimeout
	case <-ctx.Done():
		left, cause = q.End(), ackCause(ctx)
	}
	if left.Some == 0 && cause == ErrNodeLost {
		return nil
	}
	return &MissingAcksError{Missing: left.Some, Nodes: left.Nodes, Cause: cause}
}

// ackCause is why a wait has ended with ctx.
func ackCause(ctx context.Context) error {
	if err := context.Cause(ctx); err != context.DeadlineExceeded {
		return err
	}
	return ErrAckTimeout
}

func clusterError(err error) error {
	switch {
	case errors.Is(err, adapter.ErrFull), errors.Is(err, cluster.ErrTooManyQuestions):
		return ErrClusterFull
	case errors.Is(err, adapter.ErrClosed):
		return ErrServerClosed
	}
	return err
}

// FetchSockets lists the sockets that are addressed, those of other nodes too,
// in no order. If some nodes do not answer in time (that of ctx, else
// ClusterOptions.AnswerTimeout), it returns those that are known and a
// [*MissingAcksError] with the nodes' names. With [ErrClusterFull] nobody was
// asked, and it returns those of this node.
func (b Broadcast) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sockets := b.sockets()
	list := make([]RemoteSocket, len(sockets))
	for i, s := range sockets {
		list[i] = RemoteSocket{at: s}
	}
	c := b.ns.srv.cluster
	if c == nil || b.local {
		return list, nil
	}
	var mu sync.Mutex
	err := b.eachLeaf(func(ns *Namespace) error {
		m := &adapter.Message{Kind: adapter.Fetch, NS: ns.name}
		b.target(m)
		return c.gather(ctx, m, b.timeout, func(a *adapter.Message) error {
			answer, err := acknowledgement(a.Data)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, r := range answer.args.All() {
				if s, ok := remoteSocket(ns, r); ok {
					list = append(list, RemoteSocket{at: s})
				}
			}
			return nil
		})
	})
	mu.Lock()
	defer mu.Unlock()
	return list, err
}

// eachLeaf calls f for all namespaces that b stands for, at once if there are
// several, and returns one of the errors.
func (b *Broadcast) eachLeaf(f func(ns *Namespace) error) error {
	leaves := b.ns.leaves()
	if len(leaves) == 1 {
		return f(leaves[0])
	}
	var all sync.WaitGroup
	errs := make([]error, len(leaves))
	for i, ns := range leaves {
		all.Go(func() { errs[i] = f(ns) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Nodes is the number of servers that have this namespace, this one included; 1
// outside of a cluster. If some do not answer in time, it returns how many
// have, and a [*MissingAcksError].
func (ns *Namespace) Nodes(ctx context.Context) (int, error) {
	c := ns.srv.cluster
	if c == nil {
		return 1, nil
	}
	if n, ok, err := c.core.Count(ctx, ns.name); ok {
		return n, err
	}
	n := 1
	err := c.gather(ctx, &adapter.Message{Kind: adapter.Has, NS: ns.name}, 0, func(a *adapter.Message) error {
		n += min(max(a.Count, 0), 1)
		return nil
	})
	return n, err
}

// AllRooms lists the rooms that have members on any node, in order; those named
// by a socket's own id are among them, as in Node. The error is
// [errors.ErrUnsupported] if the backend's format has no such question, and a
// [*MissingAcksError] beside the known ones if some nodes do not answer in
// time.
func (ns *Namespace) AllRooms(ctx context.Context) ([]string, error) {
	set := ns.everyRoom()
	var err error
	if c := ns.srv.cluster; c != nil {
		if !c.core.Traits().AllRooms {
			return nil, errors.ErrUnsupported
		}
		err = c.gather(ctx, &adapter.Message{Kind: adapter.Rooms, NS: ns.name}, 0, func(a *adapter.Message) error {
			var names []string
			if err := json.Unmarshal(a.Data.Text, &names); err != nil {
				return err
			}
			for _, name := range names {
				set[name] = true
			}
			return nil
		})
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, err
}

// OnServerSide has f called for events that other nodes of the cluster send to
// this namespace with ServerSideEmit, one at a time and in order for the whole
// server: one that blocks holds up all others. [Request.Ack] answers those that
// wait for it, later too. ctx does not end; what f returns is logged, and told
// to nobody. The error is [ErrNoCluster] if the server is not in one: then f
// would never be called. It is [ErrReservedEvent] for such a name.
func (ns *Namespace) OnServerSide(event string, f func(ctx context.Context, r *Request) error) error {
	if ns.srv.cluster == nil {
		return ErrNoCluster
	}
	if err := checkEvent(event); err != nil {
		return err
	}
	ns.reg.change(func(h *handlers) {
		m := make(map[string][]func(context.Context, *Request) error, len(h.serverSide)+1)
		for k, v := range h.serverSide {
			m[k] = v
		}
		m[event] = add(m[event], f)
		h.serverSide = m
	})
	return nil
}

// ServerSideEmit sends an event to the same namespace on the other nodes of the
// cluster, and not to this one; [Namespace.OnServerSide] hears it. It does not
// wait for them. The error is [ErrNoCluster] if the server is not in one,
// [ErrReservedEvent], [ErrClusterFull], [ErrServerClosed], or says that an
// argument cannot be encoded.
func (ns *Namespace) ServerSideEmit(event string, args ...any) error {
	return ns.serverSide(event, args, func(c *clustered, m *adapter.Message) error {
		return clusterError(c.core.Publish(m))
	})
}

// ServerSideEmitWithAck is ServerSideEmit that gathers the answers of the
// other nodes. If some do not answer in time (that of ctx, else
// ClusterOptions.AnswerTimeout), it returns those that have come and a
// [*MissingAcksError] with the names of the nodes. One that has the namespace
// and no function that answers is among them.
func (ns *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Ack, error) {
	var mu sync.Mutex
	var list []Ack
	err := ns.serverSide(event, args, func(c *clustered, m *adapter.Message) error {
		return c.gather(ctx, m, 0, func(a *adapter.Message) error {
			ack, err := acknowledgement(a.Data)
			if err == nil {
				mu.Lock()
				list = append(list, ack)
				mu.Unlock()
			}
			return err
		})
	})
	mu.Lock()
	defer mu.Unlock()
	return list, err
}

func (ns *Namespace) serverSide(event string, args []any, send func(*clustered, *adapter.Message) error) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	c := ns.srv.cluster
	if c == nil {
		return ErrNoCluster
	}
	data, err := c.list(append([]any{event}, args...))
	if err != nil {
		return err
	}
	b := Broadcast{ns: ns}
	return b.eachLeaf(func(ns *Namespace) error {
		return send(c, &adapter.Message{Kind: adapter.ServerSide, NS: ns.name, Data: data})
	})
}
