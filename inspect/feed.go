package inspect

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

// happening is an entry of the feed.
type happening struct {
	At    int64  `json:"at"` // ms since 1970
	Node  string `json:"node"`
	Kind  string `json:"kind"`
	NS    string `json:"ns,omitempty"`
	ID    string `json:"id,omitempty"`
	Event string `json:"event,omitempty"`
	Text  string `json:"text,omitempty"`
	N     int    `json:"n,omitempty"` // receivers
	seq   uint64
}

const (
	maxFeeds  = 8                // viewers of this node
	perSecond = 100              // entries for each
	keepsUp   = 500              // entries that wait for a viewer
	leaves    = 10 * time.Second // who has not asked for so long is gone
)

// A feed is what one viewer is told of. It watches the server until the viewer
// has not asked for some time.
type feed struct {
	node, ns, id, text string // what is wanted; "" is all
	stop               func()
	gone               *time.Timer

	room atomic.Int64 // for so many entries; what is below 0 was left out

	mu      sync.Mutex
	list    []happening
	seq     uint64
	at      time.Time // when room was made last
	skipped uint64
}

// read gives a viewer what is new, and goes on watching for it.
func (in *Inspector) read(q question, a *answer) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.feeds[q.Viewer]
	if f != nil && (f.ns != q.NS || f.id != q.ID || f.text != q.Text) {
		in.endLocked(q.Viewer, f)
		f = nil
	}
	if f == nil {
		if len(in.feeds) >= maxFeeds {
			a.Error = "as many look at this node already as can: " + strconv.Itoa(maxFeeds)
			return
		}
		f = &feed{node: a.Node.ID, ns: q.NS, id: q.ID, text: q.Text, seq: uint64(time.Now().UnixMicro()), at: time.Now()}
		f.room.Store(perSecond)
		f.stop = in.io.Watch(f.trace())
		f.gone = time.AfterFunc(leaves, func() { in.end(q.Viewer, f) })
		in.feeds[q.Viewer] = f
	}
	f.gone.Reset(leaves)
	a.Events, a.Seen, a.Skipped = f.since(q.Seen[a.Node.ID])
}

func (in *Inspector) end(viewer string, f *feed) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.feeds[viewer] == f {
		in.endLocked(viewer, f)
	}
}

func (in *Inspector) endLocked(viewer string, f *feed) {
	f.stop()
	f.gone.Stop()
	delete(in.feeds, viewer)
}

// Close ends what is watched.
func (in *Inspector) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for viewer, f := range in.feeds {
		in.endLocked(viewer, f)
	}
}

func (f *feed) since(seen uint64) (list []happening, last, skipped uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := 0
	for i < len(f.list) && f.list[i].seq <= seen {
		i++
	}
	f.list = append(f.list[:0:0], f.list[i:]...)
	f.makeRoomLocked(time.Now())
	return f.list, f.seq, f.skipped
}

// makeRoomLocked makes room for what may be told until the viewer asks again.
func (f *feed) makeRoomLocked(now time.Time) {
	had := f.room.Swap(0)
	if had < 0 {
		f.skipped += uint64(-had)
		had = 0
	}
	more := int64(perSecond * now.Sub(f.at).Seconds())
	f.room.Add(min(perSecond, had+more))
	if more > 0 { // else it is not forgotten that some time has passed
		f.at = now
	}
}

// take reports whether there is room for an entry, before it is made: who looks
// must not cost more than can be read. It is called for all that happens.
func (f *feed) take() bool { return f.room.Add(-1) >= 0 }

func (f *feed) add(h happening) {
	h.At, h.Node, h.Event, h.NS = time.Now().UnixMilli(), f.node, clip.Text(h.Event), clip.Text(h.NS)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) >= keepsUp {
		f.list = append(f.list[:0:0], f.list[1:]...)
		f.skipped++
	}
	f.seq++
	h.seq = f.seq
	f.list = append(f.list, h)
}

// wants reports whether the viewer wants to know of s, or of an event.
func (f *feed) wants(ns string, s *socketio.Socket, event string) bool {
	if f.ns != "" && f.ns != ns || f.id != "" && (s == nil || s.ID() != f.id) {
		return false
	}
	return f.text == "" || strings.Contains(event, f.text) || s != nil && (strings.Contains(s.ID(), f.text) || strings.Contains(s.Handshake().RemoteAddr(), f.text))
}

// of tells of something that has happened to a socket.
func (f *feed) of(s *socketio.Socket, kind, event string, text func() string) {
	ns := s.Namespace().Name()
	if !f.wants(ns, s, event) {
		return
	}
	if !f.take() {
		return
	}
	h := happening{Kind: kind, NS: ns, ID: s.ID(), Event: event}
	if text != nil {
		h.Text = text()
	}
	f.add(h)
}

// trace is what the feed watches. Sent is called for every receiver: only who
// looks at one socket pays for it.
func (f *feed) trace() *socketio.Trace {
	t := &socketio.Trace{
		Connected: func(s *socketio.Socket) {
			f.of(s, "connect", "", func() string { return s.Transport() + " " + clip.Text(s.Handshake().RemoteAddr()) })
		},
		Disconnected: func(s *socketio.Socket, reason socketio.DisconnectReason, cause error) {
			f.of(s, "disconnect", "", func() string {
				if cause != nil {
					return string(reason) + ": " + clip.Text(cause.Error())
				}
				return string(reason)
			})
		},
		Handled: func(s *socketio.Socket, r *socketio.Request, took time.Duration) {
			f.of(s, "in", r.Event(), func() string { return arguments(r) + " · " + took.Round(time.Microsecond).String() })
		},
		Unheard: func(s *socketio.Socket, event string) { f.of(s, "unheard", event, nil) },
		Dropped: func(s *socketio.Socket, event string, why socketio.Drop) {
			f.of(s, "dropped", event, func() string { return string(why) })
		},
		Broadcast: func(ns *socketio.Namespace, event string, receivers int) {
			if f.id != "" || !f.wants(ns.Name(), nil, event) {
				return
			}
			if f.take() {
				f.add(happening{Kind: "out", NS: ns.Name(), Event: event, N: receivers})
			}
		},
		Bound: func(b socketio.Bound, s *socketio.Socket) {
			if s != nil {
				f.of(s, "limit", string(b), nil)
			} else if f.id == "" && f.ns == "" && f.take() {
				f.add(happening{Kind: "limit", Event: string(b)})
			}
		},
		Panicked: func(where string, p *socketio.PanicError) {
			if f.id == "" && f.ns == "" && f.take() {
				f.add(happening{Kind: "panic", Event: where, Text: clip.Text(p.Error())})
			}
		},
	}
	if f.id != "" {
		t.Sent = func(s *socketio.Socket, event string) { f.of(s, "out", event, nil) }
	}
	return t
}

// arguments are the beginning of an event's arguments.
func arguments(r *socketio.Request) string {
	var b strings.Builder
	for i, arg := range r.Args().All() {
		if b.Len() > 200 {
			b.WriteString(" …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(arg.String())
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}
