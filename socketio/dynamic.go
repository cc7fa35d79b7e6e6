package socketio

import (
	"context"
	"errors"
	"net/netip"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

var (
	errNoNamespace      = &Error{Message: "Invalid namespace"}
	errTooManyDynamic   = Errorf("too_many", "too many dynamic namespaces (Limits.MaxDynamicNamespaces)")
	errCrowdedOut       = errors.New("socketio: the namespace made room for another (Limits.MaxDynamicNamespaces)")
	errNamespaceRefused = errors.New("the server is closing")
)

func (srv *Server) addParent(name string, match func(context.Context, string, *Handshake) bool) *Namespace {
	ns := newNamespace(srv, name, new(registry))
	ns.match = match
	srv.mu.Lock()
	srv.parents = append(srv.parents, ns)
	srv.mu.Unlock()
	return ns
}

// known finds a namespace that exists. name may be borrowed.
func (srv *Server) known(name string) *Namespace {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	return srv.nsps[name]
}

// resolve finds the namespace that a client asks for, or has a parent make it.
// It runs user code.
func (srv *Server) resolve(ctx context.Context, name string, h *Handshake, from peers.Key) (*Namespace, error) {
	if ns := srv.known(name); ns != nil {
		if ns.parent != nil && !srv.matches(ctx, ns.parent, name, h) {
			return nil, errNoNamespace
		}
		return ns, nil
	}
	srv.mu.RLock()
	parents := srv.parents
	srv.mu.RUnlock()
	for _, p := range parents {
		if srv.matches(ctx, p, name, h) {
			return srv.adopt(p, name, from)
		}
	}
	return nil, errNoNamespace
}

// matches asks a parent whether it lets the client in. The answer may depend on
// the client: that one was let in says nothing about the next.
func (srv *Server) matches(ctx context.Context, parent *Namespace, name string, h *Handshake) bool {
	ok := false
	err := srv.try("OfFunc", func() error { ok = parent.match(ctx, name, h); return nil })
	return ok && err == nil
}

// child is what a namespace has that a parent has made.
type child struct {
	from    peers.Key                // who has asked for it first
	place   peers.Place[*Namespace]  // in Server.dynamic
	vacancy *peers.Place[*Namespace] // in Server.vacant, or nil; guarded by the namespace's mu
}

// adopt makes a child of p for somebody at that address, unless somebody was
// faster. Where there are as many as there may be, one that is empty goes, else
// one of an address that has more of them.
func (srv *Server) adopt(p *Namespace, name string, from peers.Key) (*Namespace, error) {
	ns := newNamespace(srv, name, p.reg)
	ns.parent = p
	ns.child = &child{from: from}
	ns.child.place.Value = ns
	srv.mu.Lock()
	if other := srv.nsps[name]; other != nil {
		srv.mu.Unlock()
		return other, nil
	}
	out, ok := srv.admitLocked(ns)
	if !ok {
		srv.mu.Unlock()
		srv.bound("MaxDynamicNamespaces", nil)
		srv.log.Warn("socketio: connection refused", "namespace", quoted(name), "error", errTooManyDynamic, "client", netip.Prefix(from).String())
		return nil, errTooManyDynamic
	}
	srv.nsps[name] = ns
	tell := srv.onNamespace
	srv.mu.Unlock()
	if out != nil {
		srv.bound("MaxDynamicNamespaces", nil)
		for s := range out.Sockets() {
			s.conn.evict(engineio.TransportError, errCrowdedOut)
		}
	}
	srv.told(tell, ns)
	return ns, nil
}

// admitLocked gives ns a place, if it may have one; out is the namespace that
// has lost its own by that.
func (srv *Server) admitLocked(ns *Namespace) (out *Namespace, ok bool) {
	if srv.dynamic.Full() {
		out, _ = srv.vacant.Pop() // nil if there is none
	}
	if out != nil {
		srv.dynamic.Leave(&out.child.place)
	}
	other, pushed, ok := srv.dynamic.Enter(ns.child.from, &ns.child.place)
	if pushed {
		out = other
	}
	if out != nil {
		out.mu.Lock()
		srv.removeLocked(out)
		out.mu.Unlock()
	}
	return out, ok
}

// removeLocked makes an end of a dynamic namespace. The caller holds srv.mu and
// the namespace's.
func (srv *Server) removeLocked(ns *Namespace) {
	ns.dead = true
	ns.occupyLocked()
	srv.dynamic.Leave(&ns.child.place)
	delete(srv.nsps, ns.name)
}

// occupyLocked says that ns is not, or not any more, an empty one that is kept.
func (ns *Namespace) occupyLocked() {
	if ns.child != nil && ns.child.vacancy != nil {
		ns.srv.vacant.Leave(ns.child.vacancy)
		ns.child.vacancy = nil
	}
}

// prune removes a child that has become empty. One that is kept nevertheless is
// the first to go when there are too many.
func (srv *Server) prune(ns *Namespace) {
	ns.recovery.lock()
	defer ns.recovery.unlock()
	srv.mu.Lock()
	defer srv.mu.Unlock()
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if len(ns.list) > 0 || ns.dead {
		return
	}
	// Absent clients may still come back to it.
	if !srv.opts.KeepEmptyNamespaces && !ns.recovery.remembers() {
		srv.removeLocked(ns)
	} else if ns.child.vacancy == nil {
		ns.child.vacancy = &peers.Place[*Namespace]{Value: ns}
		srv.vacant.Push(ns.child.from, ns.child.vacancy)
	}
}

func (srv *Server) childrenOf(p *Namespace) []*Namespace {
	srv.mu.RLock()
	defer srv.mu.RUnlock()
	var list []*Namespace
	for _, ns := range srv.nsps {
		if ns.parent == p {
			list = append(list, ns)
		}
	}
	return list
}
