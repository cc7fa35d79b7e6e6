package socketio

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// Where the backend has no log, a node that stops hands each of its clients to
// the others when it lets go of it: the session, and in which order it has sent
// what to whom since it handed over the last one. The others have the events.
// Before the first client goes they have all been told that the node stops: then
// whoever comes to one of them before its session does is waited for.

// handSession is the server-side event by which nodes tell one another of that:
// its value is the JSON of a handing.
const handSession = "sockeye:handed"

// A handing is one of these.
type handing struct {
	Leaving bool       `json:",omitempty"` // the node is about to stop
	Order   *orderPart `json:",omitempty"`
	Client  *handover  `json:",omitempty"`
	Taken   *takenAway `json:",omitempty"`
}

// An orderPart is in which order a node has sent: position by position, after
// First.
type orderPart struct {
	First uint64
	Nodes []string // whose numbers Froms tell, by index
	Froms []int    // -1: what only its own clients were to get, or what has no number; -2: what it has given up
	Seqs  []uint64
}

const (
	fromNobody = -1
	fromLost   = -2
)

// A takenAway client is not to be taken from what its node has handed over.
type takenAway struct{ Key, Node string }

// A handover is what a node says of one client.
type handover struct {
	Key    string // hexadecimal
	Prefix string // of the node's offsets
	Came   string // the offset that the client came with; it has it still if it has got nothing here
	Since  uint64 // the node's position when the client came
	Here   bool   // the client has seen all that was before Since; else what Session.Since says
	Lost   bool   // something that was for the client was given up here
	Oldest uint64 // what is up to there and not lost, all clients have seen
	End    uint64 // the last position when it was handed over
	All    bool   // Mine begins with the first that was sent to the client here
	// Mine are the positions of what was sent to the client last, in order.
	Mine    []uint64          `json:",omitempty"`
	Joined  map[string]uint64 `json:",omitempty"` // the node's positions when the client joined rooms later
	Heard   map[string]uint64 // how far the node has heard of others, and what it has numbered
	Session *session
}

// mostMine is of how many events a client's node says that they were for it.
const mostMine = 64

// mostOrder is how many positions an orderPart has: some 200 KiB.
const mostOrder = 8000

// position is as far as a client has seen all that was for it in its node's
// order, who has got what was sent to it up to at, which is 0 if it has got
// nothing there. It reports false if that is not known.
func (h *handover) position(at uint64) (uint64, bool) {
	told := h.Here || at > 0
	if h.Here {
		at = max(at, h.Since)
	}
	i, _ := slices.BinarySearch(h.Mine, at+1)
	switch {
	case h.Lost || i == 0 && !h.All && !told: // there may be more before
		return at, told
	case i == 0 && !h.All:
		return max(at, h.Oldest), true
	case i == len(h.Mine):
		return max(at, h.End), true // it has had the last
	}
	return max(at, h.Mine[i]-1), true
}

// tellHanding publishes one.
func (m *roam) tellHanding(h *handing) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	data, err := m.c.list([]any{handSession, string(b)})
	if err == nil {
		m.c.publish(&adapter.Message{Kind: adapter.ServerSide, NS: m.r.ns.name, Data: data})
	}
	return err
}

// hand tells the others of a client, as this node stops. The caller holds the
// lock.
func (m *roam) hand(a *absent) {
	s := m.sessionOf(a)
	if s.bad != nil || len(s.Data) > maxSession {
		return // it comes back as a new one
	}
	m.handOrder()
	now := time.Now()
	s.Since = a.known
	if s.Since == nil {
		s.Since = &known{}
	}
	h := &handover{
		Key: hex.EncodeToString(a.key[:]), Prefix: m.r.log.Prefix(), Came: a.came, Since: a.since, Here: a.known == nil,
		Lost: m.r.log.Lost(now, a.since, a.names()), Oldest: m.oldest, End: m.told, Joined: a.joined, Heard: m.heard(), Session: s,
	}
	if a.known != nil { // it may have missed what was lost before it came
		h.Lost = h.Lost || m.r.log.Lost(now, 0, a.everyName())
	}
	m.r.log.Back(now, func(e eventlog.Kept[keptEvent]) bool {
		w := e.Value.whence
		switch {
		case w == nil:
		case a.known == nil && e.Position <= a.since:
			return false
		case a.known != nil && a.known.saw(w):
		case a.addressedAt(e):
			h.Mine = append(h.Mine, e.Position)
		}
		return len(h.Mine) < mostMine
	})
	slices.Reverse(h.Mine)
	h.All = len(h.Mine) < mostMine
	_ = m.tellHanding(&handing{Client: h}) // it can be encoded: Data was
}

// addressedAt is addressed for an event that this node has sent while the client
// was here.
func (a *absent) addressedAt(e eventlog.Kept[keptEvent]) bool {
	in := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			if name == a.sid {
				return true
			}
			mark := a.marks[name]
			return slices.Contains(a.rooms, name) && e.Position > a.joined[name] && (mark == nil || !mark.saw(e.Value.whence))
		})
	}
	return (len(e.To) == 0 || in(e.To)) && !in(e.Except)
}

// handOrder tells the others in which order this node has sent since it told them
// last. The caller holds the lock.
func (m *roam) handOrder() {
	var list []eventlog.Kept[keptEvent]
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		if e.Position > m.told {
			list = append(list, e)
		}
		return e.Position > m.told+1
	})
	end := m.r.log.Position()
	if !m.tells {
		m.tells, m.told = true, end
		if len(list) > 0 {
			m.told = list[len(list)-1].Position - 1
		}
		m.oldest = m.told
	}
	slices.Reverse(list)
	for m.told < end {
		p := &orderPart{First: m.told}
		for len(p.Froms) < mostOrder && m.told < end {
			m.told++
			from, seq := fromLost, uint64(0)
			if len(list) > 0 && list[0].Position == m.told {
				if w := list[0].Value.whence; w == nil || w.local || w.seq == 0 {
					from = fromNobody
				} else {
					if from = slices.Index(p.Nodes, w.from); from < 0 {
						from, p.Nodes = len(p.Nodes), append(p.Nodes, w.from)
					}
					seq = w.seq
				}
				list = list[1:]
			}
			p.Froms, p.Seqs = append(p.Froms, from), append(p.Seqs, seq)
		}
		_ = m.tellHanding(&handing{Order: p}) // it can be encoded
	}
}

// heard is how far this node has delivered what all have sent, itself included.
// The caller holds the lock: what is about to be delivered does not count.
func (m *roam) heard() map[string]uint64 {
	all := map[string]uint64{m.self: m.numbered()}
	rows := m.c.core.Rows(m.r.ns.name)
	for node, row := range rows {
		all[node] = max(row.Last, m.got[node])
	}
	maps.DeleteFunc(m.got, func(node string, _ uint64) bool { _, ok := rows[node]; return !ok })
	return all
}

// fence is how long a node that stops waits at most until all others know.
const fence = time.Second

// sayLeaving tells the others that this node is about to stop, and waits until
// they know, but not for long.
func (srv *Server) sayLeaving(ctx context.Context) {
	c, r := srv.cluster, srv.Of("/").recovery
	if c == nil || c.closed.Load() || !r.roams() || r.roam.log != nil || c.core.Nodes() < 2 || c.core.State().Connection != adapter.Up {
		return
	}
	b, err := json.Marshal(&handing{Leaving: true})
	if err != nil {
		return
	}
	data, err := c.list([]any{handSession, string(b)})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, fence)
	defer cancel()
	q := &adapter.Message{Kind: adapter.ServerSide, NS: "/", Data: data}
	_ = c.gather(ctx, q, 0, func(*adapter.Message) error { return nil }) // who does not answer does not wait for its clients
}

// handAway hands over all clients that are away, as this node stops.
func (r *recovery) handAway() {
	if !r.roams() || r.roam.log != nil {
		return
	}
	r.lock()
	defer r.unlock()
	for _, a := range r.absents.away {
		r.roam.hand(a)
	}
}
