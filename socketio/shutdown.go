package socketio

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Shutdown stops the server so that nothing accepted is lost and clients come
// back by themselves:
//
//   - Ready is false, and no new connection or socket is let in;
//   - no new events are taken; the handlers of those taken finish, and their
//     acknowledgements are sent, until ctx ends;
//   - OnDisconnect runs with [ServerShuttingDown], and the sockets' contexts end;
//   - what is queued is sent, and the connections are closed below Socket.IO,
//     which clients take for a loss and connect again;
//   - the other nodes of a cluster are told, and what is queued for them is sent. A
//     broker that is away has 2 s to come back: then that is dropped and counted,
//     with a line in the log.
//
// Options.ShutdownSpread spreads the end over some time; ctx should last longer
// than that.
//
// It returns when all that is done, or ctx's error when something was cut off.
// It does not stop the HTTP server in front; that one's Shutdown comes after.
// Calling it again, or before anything was served, is fine; calling it in a
// handler is not, as it waits for that.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.closed.Store(true)
	srv.engine.Refuse()
	srv.sayLeaving(ctx)
	for ns := range srv.Namespaces() {
		ns.recovery.handAway()
	}
	if d := srv.opts.ShutdownSpread; d > 0 {
		srv.closeSpread(ctx, d)
	}
	srv.draining.Store(true)
	err := srv.inboxes.Wait(ctx)
	for _, s := range srv.everySocket() {
		s.shutDown()
	}
	if err == nil {
		err = srv.inboxes.Wait(ctx)
	}
	if e := srv.engine.Shutdown(ctx); err == nil {
		err = e
	}
	if e := srv.leaveCluster(ctx); err == nil {
		err = e
	}
	return err
}

// closeSpread closes connections over d, or until ctx ends. It leaves those
// that come late, and those without a socket, to Shutdown.
func (srv *Server) closeSpread(ctx context.Context, d time.Duration) {
	seen := make(map[*conn]bool)
	var conns []*conn
	for _, s := range srv.everySocket() {
		if !seen[s.conn] {
			seen[s.conn] = true
			conns = append(conns, s.conn)
		}
	}
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	const most = 100 * time.Millisecond // between two waves
	waves := max(1, min(len(conns), int(d/most)))
	timer := time.NewTimer(0)
	defer timer.Stop()
	var all sync.WaitGroup
	defer all.Wait() // a handler that does not return holds up its own connection only, until ctx ends
	for i := range waves {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		for _, c := range conns[len(conns)*i/waves : len(conns)*(i+1)/waves] {
			all.Go(func() { c.drain(ctx) })
		}
		pause := d / time.Duration(waves)
		timer.Reset(pause/2 + rand.N(pause+1)) // the mean is pause
	}
}

// drain closes one connection as Shutdown does.
func (c *conn) drain(ctx context.Context) {
	c.draining.Store(true)
	c.mu.Lock()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.inbox.Settle(ctx, &c.srv.inboxes)
		s.shutDown()
		s.inbox.Settle(ctx, &c.srv.inboxes) // OnDisconnect may still say something to others
	}
	c.sess.Close(engineio.ServerShuttingDown)
}

// shutDown ends the socket as the server stops.
func (s *Socket) shutDown() {
	ev, _ := s.leave(ServerShuttingDown, nil)
	ev.send()
}

// Close stops the server at once: handlers that run see their context end, and
// what is queued is dropped. OnDisconnect still runs. It waits for what runs
// for a second at most; the error says that something was still running then,
// or that the cluster was not left in order.
func (srv *Server) Close() error {
	srv.closed.Store(true)
	srv.engine.Refuse()
	srv.draining.Store(true)
	for _, s := range srv.everySocket() {
		s.shutDown()
	}
	err := srv.engine.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // what is queued is dropped
	if e := srv.leaveCluster(ctx); e != nil && !errors.Is(e, context.Canceled) && err == nil {
		err = e
	}
	return err
}

// Ready reports whether new clients are let in: until Shutdown or Close.
func (srv *Server) Ready() bool { return !srv.closed.Load() }

// everySocket lists the sockets, those on their way in too.
func (srv *Server) everySocket() []*Socket {
	var list []*Socket
	for ns := range srv.Namespaces() {
		list = slices.AppendSeq(list, ns.Sockets())
	}
	return list
}
