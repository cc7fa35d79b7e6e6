package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/internal/clip"
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
	ns.match, ns.children = match, new(children)
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
	from  peers.Key               // who has asked for it first
	place peers.Place[*Namespace] // in Server.dynamic
	at    int                     // its place among its parent's children

	mu      sync.Mutex
	vacancy *peers.Place[*Namespace] // in Server.vacant, or nil; guarded by mu
}

// children are the namespaces that a parent has made and that are there.
type children struct {
	mu   sync.RWMutex
	list []*Namespace // in no order
}

func (c *children) all() []*Namespace {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.list)
}

func (c *children) add(ns *Namespace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ns.child.at = len(c.list)
	c.list = append(c.list, ns)
}

func (c *children) remove(ns *Namespace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := len(c.list) - 1
	moved := c.list[end]
	c.list[ns.child.at], moved.child.at = moved, ns.child.at
	c.list[end] = nil
	if c.list = c.list[:end]; cap(c.list) > 64 && end < cap(c.list)/4 {
		c.list = slices.Clone(c.list)
	}
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
		srv.bound(BoundMaxDynamicNamespaces, from.Prefix().String())
		srv.log.Warn("socketio: connection refused", "namespace", clip.Quoted(name), "error", errTooManyDynamic, "client", from.Prefix().String())
		return nil, errTooManyDynamic
	}
	srv.nsps[name] = ns
	p.children.add(ns)
	srv.cluster.namespace(ns, true)
	tell := srv.onNamespace
	srv.mu.Unlock()
	if out != nil {
		srv.bound(BoundMaxDynamicNamespaces, out.child.from.Prefix().String())
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
	for srv.dynamic.Full() {
		empty, ok := srv.vacant.Pop()
		if !ok {
			break
		}
		if empty.index.Close(false) { // else somebody is coming in just now
			out = empty
			srv.dynamic.Leave(&out.child.place)
			break
		}
	}
	other, pushed, ok := srv.dynamic.Enter(ns.child.from, &ns.child.place)
	if pushed {
		out = other
	}
	if out != nil {
		out.index.Close(true)
		srv.removeLocked(out)
	}
	return out, ok
}

// removeLocked makes an end of a dynamic namespace, whose index was closed. The
// caller holds srv.mu.
func (srv *Server) removeLocked(ns *Namespace) {
	ns.occupy()
	srv.dynamic.Leave(&ns.child.place)
	ns.parent.children.remove(ns)
	delete(srv.nsps, ns.name)
	srv.cluster.namespace(ns, false)
}

// occupy says that ns is not, or not any more, an empty one that is kept.
func (ns *Namespace) occupy() {
	c := ns.child
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.vacancy != nil {
		ns.srv.vacant.Leave(c.vacancy)
		c.vacancy = nil
	}
}

// prune removes a child that has become empty. One that is kept nevertheless is
// the first to go when there are too many.
func (srv *Server) prune(ns *Namespace) {
	ns.recovery.lock()
	defer ns.recovery.unlock()
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if ns.index.Len() > 0 || ns.index.Closed() {
		return
	}
	// Absent clients may still come back to it.
	if !srv.opts.KeepEmptyNamespaces && !ns.recovery.remembers() {
		if ns.index.Close(false) {
			srv.removeLocked(ns)
		}
		return
	}
	c := ns.child
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.vacancy == nil && ns.index.Len() == 0 { // who comes in calls occupy after that
		c.vacancy = &peers.Place[*Namespace]{Value: ns}
		srv.vacant.Push(c.from, c.vacancy)
	}
}
