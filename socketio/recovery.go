package socketio

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/rooms"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// recovery remembers, for one namespace, the events of the last minutes and the
// clients that were cut off, so that those who come back get what they missed.
//
// Every event that is sent without an acknowledgement carries an offset as one
// more argument: official clients take the last string of whatever they get for
// one. A client that comes back names the last it has seen. An event that is
// kept carries its own; a volatile one, which is not, that of the last event
// kept. Offsets are as long as the marker that stands for them until the order
// is settled: so the encoding is done before, outside the lock.
//
// An event may be forgotten when it is older than the longest absence and the
// time it takes to notice a loss: whoever is remembered had received it, or the
// heartbeat would have ended the connection earlier. So an offset may be hours
// old. What nobody can miss, as it was for nobody who is there or may come back,
// is not kept.
//
// All methods may be called on nil, which remembers nothing.
type recovery struct {
	srv    *Server
	ns     *Namespace
	marker string
	roam   *roam // nil without a cluster
	log    *eventlog.Log[keptEvent]
	timer  engineio.Timer // prunes a dynamic namespace nobody can come back to

	// order makes the log and the sockets see events in the same order, and joins
	// and leaves between them. It is taken before the lock of ns.index.
	order   sync.Mutex
	here    map[[sha256.Size]byte]*Socket // connected, by private id
	absents absents
	owners  []eventlog.Owner // of charge
}

// keptEvent is an event for those who missed it.
type keptEvent struct {
	event  string
	m      *engineio.Message
	whence *whence // nil without a cluster
}

func newRecovery(srv *Server, ns *Namespace) *recovery {
	o := srv.opts.Recovery
	r := &recovery{
		srv: srv, ns: ns,
		marker: id.New()[:eventlog.OffsetLen],
		log: eventlog.New[keptEvent](id.New()[:eventlog.PrefixLen], eventlog.Bounds{
			Count: o.MaxPackets, Bytes: o.MaxBytes, Age: o.MaxDuration + notice(srv),
		}),
		here:    make(map[[sha256.Size]byte]*Socket),
		absents: newAbsents(o.MaxDuration, o.MaxSessions),
	}
	if srv.cluster != nil {
		r.join(srv.cluster)
	}
	return r
}

// notice is how long it takes to notice a loss.
func notice(srv *Server) time.Duration {
	e := &srv.opts.Engine
	return max(e.PingInterval, 0) + max(e.PingTimeout, 0) + max(e.StallTimeout, 0)
}

func (r *recovery) notice() time.Duration { return notice(r.srv) }

func (r *recovery) age() time.Duration { return r.srv.opts.Recovery.MaxDuration + r.notice() }

func (r *recovery) lock() {
	if r != nil {
		r.order.Lock()
	}
}

func (r *recovery) unlock() {
	if r != nil {
		r.order.Unlock()
	}
}

// withOffset appends the marker that an offset replaces.
func (r *recovery) withOffset(args []any) []any {
	if r == nil {
		return args
	}
	return append(slices.Clip(args), r.marker)
}

// place is where the offset stands in an encoded event.
func (r *recovery) place(e *siowire.Encoded) []byte {
	text := e.Text
	if e.Binary != nil {
		text = e.Binary
	}
	i := bytes.LastIndex(text, []byte(r.marker))
	if i < 0 {
		return nil // a Parser that has changed it
	}
	return text[i : i+len(r.marker)]
}

// keep gives an encoded event its offset and logs it for those whom b addresses,
// of whom list is connected. The caller holds the lock, and sends the message
// before it releases it. w is nil without a cluster.
func (r *recovery) keep(event string, e *siowire.Encoded, b *Broadcast, list []*Socket, w *whence) *engineio.Message {
	if w != nil && w.local && r.roam.waits() {
		return r.mark(e) // as with Node nobody can come back for it
	}
	m := message(*e)
	if len(list) == 0 && !r.absents.awaitAny(b.rooms) && r.roam == nil {
		return m // nobody got it, and nobody can miss it
	}
	r.charge(b.rooms, list)
	heads := 1
	if len(b.rooms) == 0 {
		heads = len(list)
	}
	r.add(eventlog.Event[keptEvent]{
		Value: keptEvent{event, m, w}, Size: m.Size(), To: b.rooms, Except: b.excluded(), Owners: r.owners, Heads: heads,
	}, r.place(e))
	return m
}

// samples is how many of those who get an event are looked at to find one with
// little in the log.
const samples = 8

// charge puts into r.owners against whom an event may count. What is for one
// alone, under whatever name, counts apart. What is for a room counts against one
// of those in it or away from it who have least: so those who send to rooms of
// their own pay for all of them. What is for all is what all have a part in.
func (r *recovery) charge(rooms []string, list []*Socket) {
	r.owners = r.owners[:0]
	if len(rooms) == 0 {
		r.owners = append(r.owners, eventlog.Owner{Shared: true})
		return
	}
	away := 0
	for _, name := range rooms {
		some, n := r.absents.some(name)
		away += n
		for _, sid := range some {
			if sid != "" {
				r.owners = append(r.owners, eventlog.Owner{Name: sid, Shared: sid != name || len(rooms) > 1})
			}
		}
	}
	step := max(1, len(list)/samples)
	for i := 0; i < len(list); i += step {
		r.owners = append(r.owners, eventlog.Owner{Name: list[i].id, Shared: len(list)+away > 1})
	}
	if len(r.owners) == 0 { // for somebody on another node
		r.owners = append(r.owners, eventlog.Owner{Name: rooms[0], Shared: true})
	}
}

// mark gives an encoded event that is not kept the offset of the last one that
// is. The caller holds the lock until it has sent the event.
func (r *recovery) mark(e *siowire.Encoded) *engineio.Message {
	if r != nil {
		r.writeMark(r.place(e))
	}
	return message(*e)
}

// send sends an event to one socket alone, encoded with b, which it takes over.
func (r *recovery) send(s *Socket, event string, args []any, e siowire.Encoded, b *engineio.Buffer, f engineio.Flags) error {
	r.lock()
	defer r.unlock()
	if s.state.Load() == connecting {
		// From a middleware: the client has seen no more than when it came.
		if s.origin != nil && s.origin.back != nil {
			r.writeAt(r.place(&e), s.origin.back)
		} else {
			r.writeMark(r.place(&e))
		}
		return s.queueEncoded(e, b, f)
	}
	if f&engineio.Volatile != 0 {
		r.writeMark(r.place(&e))
		return s.queueEncoded(e, b, f)
	}
	// What is kept lives on, and the buffer's memory with it.
	if r.roam != nil && s.origin != nil && s.origin.pid != "" {
		return r.roam.send(s, event, args, &e, f)
	}
	return r.sendOne(s, event, &e, f, nil)
}

// sendOne keeps an event for one socket and sends it. The caller holds the lock.
func (r *recovery) sendOne(s *Socket, event string, e *siowire.Encoded, f engineio.Flags, w *whence) error {
	if w != nil && w.local && r.roam.waits() {
		return s.conn.sess.Send(r.mark(e), f)
	}
	m := message(*e)
	r.add(eventlog.Event[keptEvent]{
		Value: keptEvent{event, m, w}, Size: m.Size(), To: []string{s.id}, Owners: []eventlog.Owner{{Name: s.id}},
	}, r.place(e))
	return s.conn.sess.Send(m, f)
}

func (r *recovery) add(e eventlog.Event[keptEvent], place []byte) {
	for range r.log.Add(time.Now(), e, r.own(place)) {
		r.srv.stats.bound(BoundRecovery)
	}
	r.roam.stamp(place)
}

// own is where this node's own position goes of an offset: nowhere if it is Node's.
func (r *recovery) own(place []byte) []byte {
	if r.roam.waits() {
		return nil
	}
	return place
}

// writeMark writes the offset of the last event that is kept.
func (r *recovery) writeMark(place []byte) {
	r.log.Mark(r.own(place))
	r.roam.stamp(place)
}

// writeAt writes the offset of what a client has seen that is on its way back.
func (r *recovery) writeAt(place []byte, a *absent) {
	r.log.WriteAt(r.own(place), a.from)
	if r.roam != nil && a.known != nil {
		r.roam.stampAt(place, a.known, a.node)
	} else {
		r.roam.stamp(place)
	}
}

// joined notes from where on a room's events are for the socket. The caller
// holds the lock.
func (r *recovery) joined(s *Socket, room string) {
	if r == nil || s.origin == nil || s.origin.pid == "" {
		return
	}
	if at := r.log.Position(); at > s.origin.since {
		if s.origin.joined == nil {
			s.origin.joined = make(eventlog.Names)
		}
		s.origin.joined[room] = at
	}
	r.roam.joined(s, room)
}

// moved notes what the index has told of a socket that joined or left rooms. The
// caller holds the lock.
func (r *recovery) moved(s *Socket, ev *roomEvents) {
	if r == nil {
		return
	}
	for _, c := range ev.list {
		switch c.Kind {
		case rooms.Joined:
			r.joined(s, c.Room)
		case rooms.Left:
			if s.origin != nil {
				delete(s.origin.joined, c.Room)
				r.roam.parted(s, c.Room)
			}
		case rooms.Last:
			if !r.absents.awaits(c.Room) && r.roam == nil {
				r.log.Forget(c.Room)
			}
		}
	}
	if len(ev.list) > 0 {
		r.roam.changed(s, true)
	}
}
