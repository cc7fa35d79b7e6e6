package presence

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio"
)

// Options of a Presence. All may be left out.
type Options struct {
	// Describe is what others are told of a socket; it must be encodable as JSON.
	// It is called when the socket's rooms change, and by Update, on the goroutine
	// that does that, and must not block. Nil: nothing.
	Describe func(s *socketio.Socket) any

	// MaxMembers bounds how many sockets one other server may tell of, in all rooms
	// together, a socket once for each room; 0 is 1,000,000. What is beyond it is
	// refused, and what was known of that server before stays. Negative is none.
	MaxMembers int
}

// A Member is a socket in a room.
type Member struct {
	ID   string
	Data json.RawMessage // what Describe has said; null if nothing
}

// A Presence knows who is in the rooms of a namespace. Its methods may be called
// from any goroutine.
type Presence struct {
	ns   *socketio.Namespace
	o    Options
	node string // of this Presence; another one is another node

	mu       sync.Mutex
	marks    uint64
	marked   map[string]uint64 // sockets that are being looked at, by whom last
	version  uint64            // of own
	own      *sockets
	views    map[string]*view // of other nodes
	ticks    int
	last     time.Time // when it ticked
	timer    *time.Timer
	owes     bool // the list of own, to somebody
	stopped  bool
	isolated bool // there is no cluster
	listener func(room string)
}

// The tempo of what nodes tell one another.
const (
	tick     = time.Second
	beats    = 3 // ticks between two beats
	dead     = 9 * time.Second
	partSize = 256 << 10
	maxNodes = 1024
	maxName  = 4 << 10
)

// New makes the Presence of a namespace, which lasts as long as the server, or
// until Close. It comes after the server has joined its cluster, and before
// clients connect.
func New(ns *socketio.Namespace, o *Options) *Presence {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	p := &Presence{
		ns: ns, node: hex.EncodeToString(id[:]), marked: make(map[string]uint64), own: newSockets(),
		views: make(map[string]*view), last: time.Now(),
	}
	if o != nil {
		p.o = *o
	}
	option.Bound(&p.o.MaxMembers, 1_000_000)
	ns.OnRoom(func(e socketio.RoomEvent) {
		if (e.Kind == socketio.RoomJoined || e.Kind == socketio.RoomLeft) && e.Room != e.SocketID {
			p.look(e.SocketID)
		}
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) { p.look(s.ID()) })
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { p.look(s.ID()) })
	err := ns.OnServerSide(event, func(_ context.Context, r *socketio.Request) error {
		var m message
		if err := r.Scan(&m); err != nil {
			return err
		}
		p.changed(p.hear(&m))
		return nil
	})
	p.isolated = errors.Is(err, socketio.ErrNoCluster)
	if !p.isolated {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.emitLocked(&message{Kind: want})
		p.owes = true
		p.timer = time.AfterFunc(tick, p.tick)
	}
	return p
}

// In lists who is in a room, on all servers, ordered by id. It takes from
// memory and never waits for others; the list is the caller's.
func (p *Presence) In(room string) []Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.own.in(nil, room)
	for _, v := range p.views {
		list = v.in(list, room)
	}
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b Member) bool { return a.ID == b.ID }) // who recovers is on two nodes for a moment
}

// Update tells the others anew what Describe says of a socket of this server:
// to be called when that has changed.
func (p *Presence) Update(s *socketio.Socket) { p.look(s.ID()) }

// OnChange has f called when somebody has entered or left a room, or is described
// otherwise, on whatever server, from now on, instead of the one before. It is
// called with no lock held, by several goroutines, and must not block.
func (p *Presence) OnChange(f func(room string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = f
}

// Close has the other servers forget this one's sockets, and ends. It need not be
// called when the server ends.
func (p *Presence) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.emitLocked(&message{Kind: bye})
		p.stopLocked()
	}
}

func (p *Presence) stopLocked() {
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// look finds out how it is with a socket, and tells the others if that is new.
// Whoever looks last has seen what all others have changed: what earlier ones saw
// is left out.
func (p *Presence) look(id string) {
	p.mu.Lock()
	p.marks++
	mark := p.marks
	p.marked[id] = mark
	p.mu.Unlock()
	now := state{ID: id}
	if s, ok := p.ns.Socket(id); ok {
		now.Rooms = slices.DeleteFunc(s.Rooms(), func(room string) bool { return room == id })
		slices.Sort(now.Rooms)
		if len(now.Rooms) > 0 && p.o.Describe != nil {
			now.Data, _ = json.Marshal(p.o.Describe(s)) // what cannot be encoded is not told
		}
	}
	p.mu.Lock()
	if p.marked[id] != mark {
		p.mu.Unlock()
		return
	}
	delete(p.marked, id)
	rooms := p.own.set(now)
	if len(rooms) > 0 {
		p.version++
		p.emitLocked(&message{Kind: at, Sockets: []state{now}})
	}
	p.mu.Unlock()
	p.changed(rooms)
}

// changed tells who listens of rooms.
func (p *Presence) changed(rooms []string) {
	if len(rooms) == 0 {
		return
	}
	p.mu.Lock()
	f := p.listener
	p.mu.Unlock()
	if f == nil {
		return
	}
	slices.Sort(rooms)
	for _, room := range slices.Compact(rooms) {
		f(room)
	}
}

// emitLocked tells the others something. What is lost is put right later; a
// server that has ended tells nothing any more.
func (p *Presence) emitLocked(m *message) {
	if p.isolated || p.stopped {
		return
	}
	m.Node, m.Version = p.node, p.version
	if err := p.ns.ServerSideEmit(event, m); errors.Is(err, socketio.ErrServerClosed) {
		p.stopLocked()
	}
}

// tick is what is done every second.
func (p *Presence) tick() {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return
	}
	now := time.Now()
	var rooms []string
	asleep := now.Sub(p.last) > dead/2 // who could not hear takes nobody for gone
	p.last = now
	for node, v := range p.views {
		switch {
		case asleep:
			v.seen = now
		case now.Sub(v.seen) > dead:
			rooms = append(rooms, v.everywhere()...)
			delete(p.views, node)
		}
	}
	if p.owes {
		p.owes = false
		p.listLocked()
	} else if p.ticks++; p.ticks%beats == 0 {
		p.emitLocked(&message{Kind: beat})
	}
	p.timer.Reset(tick)
	if p.stopped {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.changed(rooms)
}

// listLocked tells the others all of this node's sockets, in parts that follow one
// another.
func (p *Presence) listLocked() {
	var parts [][]state
	size := partSize
	for _, s := range p.own.byID {
		if size >= partSize {
			parts, size = append(parts, nil), 0
		}
		size += 100 + len(s.ID) + len(s.Data)
		for _, room := range s.Rooms {
			size += 3 + len(room)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], s)
	}
	if parts == nil {
		parts = [][]state{nil}
	}
	for i, part := range parts {
		p.emitLocked(&message{Kind: all, Sockets: part, Part: i, Parts: len(parts)})
	}
}
