package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// A space is a namespace that this node has: who else has it is known by what
// they say there.
type space struct {
	nodes     map[string]time.Time // by id, when they were heard last
	listening time.Time            // since when this node hears them; zero: not yet
	heard     chan struct{}        // closed when it does
	spoke     bool                 // since the last heartbeat
	owes      bool                 // a heartbeat, to somebody who is new
	left      bool                 // goodbye was said
}

func newSpace() *space {
	return &space{nodes: make(map[string]time.Time), heard: make(chan struct{})}
}

const (
	// crowd is how many other nodes are known in a namespace at most. One that is
	// forged counts like a real one.
	crowd = 4096
	// breath is how long hellos gather before they are answered together.
	breath = 50 * time.Millisecond
	// settling is how long the others have to answer a hello until they are
	// counted.
	settling = 150 * time.Millisecond
)

// deafLocked notes that nothing is heard until the server says so again. What
// was missed is no sign that somebody has gone.
func (a *Adapter) deafLocked() {
	for _, s := range a.spaces {
		if !s.listening.IsZero() {
			s.listening, s.heard = time.Time{}, make(chan struct{})
		}
	}
}

// listening notes that the server tells of channels, and lists the namespaces
// where that is new and this node has to say hello; in "/" the server does.
func (a *Adapter) listening(channels []string) (hello []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for _, name := range channels {
		for _, ns := range a.channels[name] {
			s := a.spaces[ns]
			if !s.listening.IsZero() {
				continue
			}
			s.listening = now
			close(s.heard)
			for id := range s.nodes {
				s.nodes[id] = now
			}
			if ns != "/" {
				hello = append(hello, ns)
			}
		}
	}
	return hello
}

// namespaces are those of this node that a channel is for.
func (a *Adapter) namespaces(channel string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.channels[channel] // replaced, never changed, but for what is appended
}

func (a *Adapter) has(ns string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spaces[ns] != nil
}

// seen notes that a node has said something in a namespace: m, if that matters
// here. It reports false if there are too many.
func (a *Adapter) seen(ns, from string, m *adapter.Message) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.spaces[ns]
	if s == nil || from == a.self.ID {
		return true
	}
	if m != nil && m.Kind == adapter.Goodbye {
		delete(s.nodes, from)
		return true
	}
	if _, known := s.nodes[from]; !known && len(s.nodes) >= crowd {
		return false
	}
	s.nodes[from] = time.Now()
	if m != nil && m.Kind == adapter.Hello && ns != "/" {
		s.owes = true
		poke(a.greeted)
	}
	return true
}

// spoke notes what this node has said.
func (a *Adapter) spoke(m *adapter.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.spaces[m.NS]; s != nil {
		s.spoke = true
		s.left = s.left || m.Kind == adapter.Goodbye
	}
}

// say says in a namespace that this node is there, or is not. Nobody waits for
// it; the next heartbeat follows.
func (a *Adapter) say(k adapter.Kind, ns string) {
	_ = a.Publish(&adapter.Message{Kind: k, From: a.self.ID, NS: ns})
}

// takeLeave lists the namespaces in which this node has not said goodbye.
func (a *Adapter) takeLeave() (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ns, s := range a.spaces {
		if !s.left && a.link != nil {
			list = append(list, ns)
		}
	}
	return list
}

// beat says heartbeats in all namespaces but "/", where the server does, and
// looks who is silent, until ctx ends.
func (a *Adapter) beat(ctx context.Context) {
	beat := time.NewTicker(a.pace.beat)
	defer beat.Stop()
	look := time.NewTicker(max(min(time.Second, a.pace.dead/4), time.Millisecond))
	defer look.Stop()
	awake := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.greeted:
			select {
			case <-time.After(breath):
			case <-ctx.Done():
				return
			}
			a.heartbeats(func(s *space) bool { return s.owes })
		case <-beat.C:
			a.heartbeats(func(s *space) bool { return !s.spoke })
			a.mu.Lock()
			for _, s := range a.spaces {
				s.spoke = false
			}
			a.mu.Unlock()
		case <-look.C:
			now := time.Now()
			// Whoever was stopped for so long takes nobody for gone whom it could not
			// hear.
			a.forget(now, now.Sub(awake) > a.pace.dead/2)
			awake = now
		}
	}
}

func (a *Adapter) heartbeats(due func(*space) bool) {
	var list []string
	a.mu.Lock()
	if a.link != nil {
		for ns, s := range a.spaces {
			if ns != "/" && due(s) {
				list = append(list, ns)
			}
			s.owes = false
		}
	}
	a.mu.Unlock()
	for _, ns := range list {
		a.say(adapter.Heartbeat, ns)
	}
}

// forget forgets who is silent for too long, or takes all for heard just now.
func (a *Adapter) forget(now time.Time, asleep bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.spaces {
		for id, at := range s.nodes {
			switch {
			case asleep || s.listening.IsZero():
				s.nodes[id] = now
			case now.Sub(at) > a.pace.dead:
				delete(s.nodes, id)
			}
		}
	}
}

// errDown: there is no link.
var errDown = errors.New("postgres: not connected")

// Nodes implements [adapter.Counter]. It waits until this node hears the others,
// and they have had time to answer.
func (a *Adapter) Nodes(ctx context.Context, ns string) (int, error) {
	a.mu.Lock()
	l, s := a.link, a.spaces[ns]
	a.mu.Unlock()
	if l == nil {
		return 0, errDown
	}
	if s == nil {
		return 0, nil
	}
	a.mu.Lock()
	heard := s.heard
	a.mu.Unlock()
	select {
	case <-heard:
	case <-l.ctx.Done():
		return 0, errDown
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	a.mu.Lock()
	rest := time.Until(s.listening.Add(settling))
	a.mu.Unlock()
	if rest > 0 {
		select {
		case <-time.After(rest):
		case <-l.ctx.Done():
			return 0, errDown
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return 1 + len(s.nodes), nil
}
