package engineio

import (
	"errors"
	"hash/maphash"
	"iter"
	"slices"
	"sync"
)

var (
	errBadID    = errors.New("engineio: a session id may have 1 to 64 letters, digits, '-' and '_'")
	errIDInUse  = errors.New("engineio: the session id is in use")
	errPanicked = errors.New("engineio: a function of the application has panicked")
)

const registryShards = 16

// registry is the open sessions by id.
type registry struct {
	seed   maphash.Seed
	shards [registryShards]struct {
		mu sync.RWMutex
		m  map[string]*Session
	}
}

func (g *registry) init() {
	g.seed = maphash.MakeSeed()
	for i := range g.shards {
		g.shards[i].m = make(map[string]*Session)
	}
}

func (g *registry) shard(id string) int { return int(maphash.String(g.seed, id) % registryShards) }

// add fails if the id is in use.
func (g *registry) add(s *Session) bool {
	sh := &g.shards[g.shard(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.m[s.id] != nil {
		return false
	}
	sh.m[s.id] = s
	return true
}

func (g *registry) remove(s *Session) {
	sh := &g.shards[g.shard(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.m[s.id] == s {
		delete(sh.m, s.id)
	}
}

func (g *registry) get(id string) (*Session, bool) {
	sh := &g.shards[g.shard(id)]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	s, ok := sh.m[id]
	return s, ok
}

// find is the open session that a request names, as it is at this moment (one
// that is overdue ends here), and why it does not serve the request, if so.
func (srv *Server) find(q *query, upgrade bool) (*Session, *refusal) {
	s, ok := srv.sessions.get(q.sid)
	if !ok {
		return nil, &refusal{code: UnknownSID, context: map[string]any{"sid": q.sid}}
	}
	s.mu.Lock()
	after := s.overdueLocked()
	closed := s.state.Load() == stateClosed
	current := s.transport.name()
	s.mu.Unlock()
	after.run()
	switch {
	case closed:
		return nil, &refusal{code: UnknownSID, context: map[string]any{"sid": q.sid}}
	case !upgrade && current != q.transport:
		return s, &refusal{code: BadRequest, name: "TRANSPORT_MISMATCH", context: map[string]any{"transport": q.transport, "previousTransport": current}}
	case upgrade && q.transport != websocketName:
		return s, &refusal{code: BadRequest, name: "TRANSPORT_MISMATCH"}
	case q.revision() != s.proto:
		return s, &refusal{code: BadRequest, name: "PROTOCOL_MISMATCH", context: map[string]any{"protocol": int(q.revision()), "previousProtocol": int(s.proto)}}
	}
	return s, nil
}

func (g *registry) len() int {
	n := 0
	for i := range g.shards {
		sh := &g.shards[i]
		sh.mu.RLock()
		n += len(sh.m)
		sh.mu.RUnlock()
	}
	return n
}

// all ranges over the sessions with no lock held.
func (g *registry) all() iter.Seq[*Session] {
	return func(yield func(*Session) bool) {
		var list []*Session
		for i := range g.shards {
			sh := &g.shards[i]
			sh.mu.RLock()
			list = slices.Grow(list[:0], len(sh.m))
			for _, s := range sh.m {
				list = append(list, s)
			}
			sh.mu.RUnlock()
			for _, s := range list {
				if !yield(s) {
					return
				}
			}
		}
	}
}
