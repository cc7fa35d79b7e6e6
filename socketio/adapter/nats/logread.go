package nats

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nativewire"
)

const (
	// pageEntries and pageBytes are how much of the log is asked for at once.
	pageEntries, pageBytes = 128, 1 << 20
	// again is after how long it is asked once more, without an answer.
	again = time.Second
	// idle is after how long without an entry it is asked whether there is one: what
	// JetStream tells all of may have got lost when another server took it over.
	idle = 2 * time.Second
	// soonest is how long after the last entry a node's word that there is more is
	// followed.
	soonest = 100 * time.Millisecond
	// inVain is after how many empty answers in a row an entry that was told of is
	// not expected any more.
	inVain = 5
)

// A logReader reads the log, over one link after the other: what JetStream tells
// all of when it has stored it, in its order, and, of what did not come, what it
// has. It is the receiving goroutine's.
type logReader struct {
	a *Adapter
	place
	link   *link  // whose log was opened; nil: none
	behind uint64 // the last entry that is told to be there
	seen   uint64 // likewise, while none is open
	asked  time.Time
	ask    uint64 // the number of the question
	vain   int    // answers without an entry in a row
	heard  time.Time
}

// markOf is the place of the nth message of an entry.
func markOf(id uint32, seq uint64, n uint32) adapter.Mark {
	return adapter.Mark{Log: id, High: seq, Low: n}
}

// whole is the place behind all messages of an entry.
const whole = math.MaxUint32

func (r *logReader) end() adapter.Mark {
	return adapter.Mark{Log: r.id, High: r.next - 1, Low: whole}
}

// begin goes on with a link's log.
func (r *logReader) begin(l *link, o opened) {
	first := r.id == 0
	if first || o.anew {
		r.place = o.place
	}
	r.link, r.asked, r.heard, r.vain = l, time.Time{}, time.Now(), 0
	r.behind = max(o.last, r.seen)
	r.seen = 0
	if first || o.anew {
		r.a.in.State(adapter.State{Connection: adapter.Up, At: time.Now(), MayMiss: o.anew, Log: r.end()})
	}
	if r.behind >= r.next {
		r.askNow()
	}
	at := r.place
	r.a.at.Store(&at)
	r.a.logOpen.Store(true)
}

// pause ends it with a link.
func (r *logReader) pause() {
	r.link, r.seen = nil, 0
	r.a.logOpen.Store(false)
}

// late reports whether there are entries that were not read yet.
func (r *logReader) late() bool { return r.link == nil || r.behind >= r.next }

// told takes what JetStream tells all of.
func (r *logReader) told(msg *nats.Msg) {
	node := msg.Subject[len(r.a.subjects.told):]
	if !r.a.logs { // there is no order with others here, and nothing to go back to
		r.a.carryOut(node, msg.Data, func(int) adapter.Mark { return adapter.Mark{} })
		return
	}
	seq, stamp, ok := r.placeOf(msg)
	switch {
	case !ok:
		r.a.received.Add(1)
		r.a.in.Malformed(nativewire.BadParse)
	case r.link == nil:
		r.seen = max(r.seen, seq)
	case seq == r.next:
		r.take(node, seq, stamp, msg.Data)
	case seq > r.next:
		r.behind = max(r.behind, seq)
		if r.asked.IsZero() {
			r.askNow()
		}
	}
}

// placeOf reads the headers of an entry.
func (r *logReader) placeOf(msg *nats.Msg) (seq uint64, stamp string, ok bool) {
	if msg.Header.Get("Nats-Stream") != r.a.subjects.logStream {
		return 0, "", false
	}
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 48)
	return seq, msg.Header.Get("Nats-Time-Stamp"), err == nil && seq > 0
}

// take carries out the next entry.
func (r *logReader) take(node string, seq uint64, stamp string, data []byte) {
	r.next, r.stamp, r.heard, r.vain = seq+1, stamp, time.Now(), 0
	r.a.carryOut(node, data, func(n int) adapter.Mark { return markOf(r.id, seq, uint32(n)) })
	next := r.place
	r.a.at.Store(&next)
}

// askNow asks for the entries from the next on.
func (r *logReader) askNow() {
	r.ask++
	r.asked = time.Now()
	s := r.a.subjects
	_ = r.link.nc.PublishRequest("$JS.API.DIRECT.GET."+s.logStream, fmt.Sprint(s.got, r.a.self.ID, ".", r.ask), pageOf(r.next, pageEntries)) // else the link ends
}

func pageOf(seq uint64, entries int) []byte {
	return fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, seq, entries, pageBytes)
}

// got takes an answer.
func (r *logReader) got(msg *nats.Msg) {
	if r.link == nil || r.asked.IsZero() || msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:] != strconv.FormatUint(r.ask, 10) {
		return // to a question that was given up
	}
	if status := msg.Header.Get("Status"); status != "" {
		r.asked = time.Time{}
		if status == "204" && r.vain == 0 {
			if pending := msg.Header.Get("Nats-Num-Pending"); pending != "" && pending != "0" {
				r.behind = max(r.behind, r.next)
			}
			if r.behind >= r.next {
				r.askNow() // that was a page
			}
			return
		}
		if r.vain++; r.vain >= inVain {
			r.behind = r.next - 1
		}
		return
	}
	seq, stamp, ok := r.placeOf(msg)
	node, known := strings.CutPrefix(msg.Header.Get("Nats-Subject"), r.a.subjects.log)
	if !ok || !known {
		r.a.received.Add(1)
		r.a.in.Malformed(nativewire.BadParse)
		return
	}
	if seq < r.next {
		return
	}
	r.asked = time.Now()
	if seq > r.next { // what was between is gone
		r.next = seq
		r.a.in.State(adapter.State{Connection: adapter.Up, At: r.asked, MayMiss: true, Log: r.end()})
	}
	r.behind = max(r.behind, seq)
	r.take(node, seq, stamp, msg.Data)
}

// look asks for what should have come.
func (r *logReader) look(now time.Time) {
	switch {
	case r.link == nil:
	case !r.asked.IsZero():
		if now.Sub(r.asked) > again {
			r.askNow()
		}
	case r.behind >= r.next, now.Sub(r.heard) > idle:
		if r.behind < r.next {
			r.heard = now
		}
		r.askNow()
	}
}

// hint is that a node says how far it is.
func (r *logReader) hint() {
	if r.link != nil && r.asked.IsZero() && time.Since(r.heard) > soonest {
		r.askNow()
	}
}

// carryOut has the messages of an entry carried out.
func (a *Adapter) carryOut(node string, data []byte, at func(n int) adapter.Mark) {
	m := &a.msg
	_ = a.entry(node, data, m, func(n int, bad string) error {
		a.received.Add(1)
		if bad != "" {
			a.in.Malformed(bad)
			return nil
		}
		m.At = at(n)
		own := m.From == a.self.ID
		if own && m.At.IsZero() {
			a.skipped.Add(1)
			return nil
		}
		if own || !a.wanted(m) {
			a.skipped.Add(1)
			m.Skipped, m.Data.Text, m.Data.Attachments = true, nil, m.Data.Attachments[:0]
		}
		m.From, m.NS = a.names.same(m.From), a.names.same(m.NS)
		a.in.Message(m)
		return nil
	})
}
