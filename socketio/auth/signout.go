package auth

import (
	"context"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
)

// signOut tells other nodes, for namespaces that there are only there. Its name
// is one that no application has.
const signOut = "sockeye:auth:signout"

// listen hears of users whom another node signs out.
func (g *Guard) listen(srv *socketio.Server) {
	_ = srv.Of("/").OnServerSide(signOut, func(_ context.Context, r *socketio.Request) error {
		var user, message string
		if err := r.Scan(&user, &message); err != nil {
			return err
		}
		g.out(user, message, func(ns *socketio.Namespace) socketio.Broadcast { return ns.Local() })
		return nil
	}) // the error is that there is no cluster
}

// SignOut ends all sockets of a user, in all protected namespaces and on all
// nodes: they hear auth:ended with code "signed_out" and message, and their
// connections are closed. It does not wait for them, nor does it keep the user
// from coming back: Options.Verify must not know the old tokens any more.
func (g *Guard) SignOut(user, message string) {
	if user == "" {
		return
	}
	g.out(user, message, func(ns *socketio.Namespace) socketio.Broadcast { return ns.To() })
	g.mu.Lock()
	var servers []*socketio.Server
	for srv := range g.servers {
		servers = append(servers, srv)
	}
	g.mu.Unlock()
	for _, srv := range servers {
		if err := srv.ServerSideEmit(signOut, user, message); err != nil && err != socketio.ErrNoCluster {
			srv.Logger().Warn("auth: other nodes were not told who is signed out", "error", err)
		}
	}
}

func (g *Guard) out(user, message string, of func(*socketio.Namespace) socketio.Broadcast) {
	g.mu.Lock()
	list := slices.Clone(g.guarded)
	g.mu.Unlock()
	for _, ns := range list {
		b := of(ns).To(Room(user))
		_ = over.Emit(b, ended{"signed_out", message}) // two texts can be encoded
		b.DisconnectSockets(true)
	}
}
