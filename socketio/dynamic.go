package socketio

import (
	"context"
	"errors"
)

var (
	errNoNamespace      = &Error{Message: "Invalid namespace"}
	errTooManyDynamic   = Errorf("too_many", "too many dynamic namespaces (Limits.MaxDynamicNamespaces)")
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
func (srv *Server) resolve(ctx context.Context, name string, h *Handshake) (*Namespace, error) {
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
			return srv.adopt(p, name)
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

// adopt makes a child of p, unless somebody was faster.
func (srv *Server) adopt(p *Namespace, name string) (*Namespace, error) {
	srv.mu.Lock()
	if ns := srv.nsps[name]; ns != nil {
		srv.mu.Unlock()
		return ns, nil
	}
	if srv.dynamic >= srv.opts.Limits.MaxDynamicNamespaces {
		srv.mu.Unlock()
		srv.bound("MaxDynamicNamespaces", nil)
		srv.log.Warn("socketio: connection refused", "namespace", quoted(name), "error", errTooManyDynamic)
		return nil, errTooManyDynamic
	}
	ns := newNamespace(srv, name, p.reg)
	ns.parent = p
	srv.nsps[name] = ns
	srv.dynamic++
	tell := srv.onNamespace
	srv.mu.Unlock()
	srv.told(tell, ns)
	return ns, nil
}

// prune removes a child that has become empty.
func (srv *Server) prune(ns *Namespace) {
	if srv.opts.KeepEmptyNamespaces {
		return
	}
	ns.recovery.lock()
	defer ns.recovery.unlock()
	srv.mu.Lock()
	ns.mu.Lock()
	// Absent clients may still come back to it.
	if len(ns.list) == 0 && !ns.dead && !ns.recovery.remembers() {
		ns.dead = true
		delete(srv.nsps, ns.name)
		srv.dynamic--
	}
	ns.mu.Unlock()
	srv.mu.Unlock()
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
