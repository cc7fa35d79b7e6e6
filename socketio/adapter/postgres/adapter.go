package postgres

import (
	"context"
	"encoding/binary"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// An Adapter is a node's connection to a PostgreSQL database. It implements
// [adapter.Adapter], [adapter.Counter] and [adapter.Pacer].
type Adapter struct {
	o      Options
	config *pgconn.Config
	base   *brokered.Base
	log    *slog.Logger
	pace   pace
	self   adapter.Node
	reader nodewire.Reader // the receiving goroutine's

	mu       sync.Mutex
	link     *link               // nil while there is none
	spaces   map[string]*space   // by namespace: those that this node has
	channels map[string][]string // namespaces by channel
	changes  map[string]bool     // channels that the link's server is to be told of
	changed  chan struct{}       // holds one when there are some
	greeted  chan struct{}       // holds one when a space owes a heartbeat

	claimed atomic.Bool   // there is a table of claims
	unlike  atomic.Uint32 // makes messages distinct
}

// pace is how fast things happen; tests have their own.
type pace struct {
	brokered.Pace
	clean      time.Duration // between deletions of old rows
	beat, dead time.Duration // between heartbeats, and until a silent node is gone
}

var paceOf = pace{Pace: brokered.DefaultPace, clean: 30 * time.Second, beat: 5 * time.Second, dead: 10 * time.Second}

// New returns an adapter. It does not connect yet; an error says what to write,
// and holds no password.
func New(o Options) (*Adapter, error) {
	o, config, err := o.prepare()
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		o: o, config: config, base: brokered.New(o.QueueBytes, o.MaxMessage), log: quieter.Logger(o.Logger), pace: paceOf,
		spaces: make(map[string]*space), channels: make(map[string][]string), changes: make(map[string]bool),
		changed: make(chan struct{}, 1), greeted: make(chan struct{}, 1),
	}
	a.reader = nodewire.Reader{Wants: a.base.In.Wants, MaxBytes: o.MaxMessage}
	return a, nil
}

// Traits implements [adapter.Adapter].
func (a *Adapter) Traits() adapter.Traits {
	return adapter.Traits{Name: "postgres", Ordered: true, Mixed: true, OneValue: true, MaxMessage: a.base.Largest()}
}

// Lane implements [adapter.Adapter]: a namespace has one channel.
func (a *Adapter) Lane(*adapter.Message) uint32 { return 0 }

// Pace implements [adapter.Pacer].
func (a *Adapter) Pace(heartbeat, timeout time.Duration) {
	a.pace.beat, a.pace.dead = heartbeat, timeout
}

// Start implements [adapter.Adapter]. It never fails: New has checked.
func (a *Adapter) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	if err := a.base.Begin(); err != nil {
		return err
	}
	a.mu.Lock()
	a.self = self
	a.mu.Unlock()
	a.reader.Self = self.ID
	a.base.Start(ctx, in, a.beat, func(ctx context.Context) {
		a.base.Run(ctx, &a.pace.Pace, func(ctx context.Context) (brokered.Link, error) { return a.connect(ctx) })
	})
	return nil
}

// The tags of items. What is a row carries its notification's beginning in front
// of its data.
const (
	tagProbe = -1
	tagRow   = 1
)

// room is how many bytes a notification may have. The server refuses the next.
const room = 7999

// Publish implements [adapter.Adapter].
func (a *Adapter) Publish(m *adapter.Message) error {
	err := a.base.Add(m, a.encode)
	if err == nil {
		a.spoke(m)
	}
	return err
}

// encode fills in where m goes and what is sent.
func (a *Adapter) encode(it *outbox.Item, m *adapter.Message) (err error) {
	it.Dest = channel(a.o.Prefix, m.NS)
	if len(m.Data.Attachments) == 0 {
		it.Data, err = nodewire.AppendShared(it.Data, m)
		if m.Seq == 0 {
			it.Data = distinct(it.Data, a.unlike.Add(1))
		}
		if err != nil || len(it.Data) <= room {
			return err
		}
	}
	it.Tag = tagRow
	b := append(it.Data[:0], 0, 0)
	b = append(b, `{"uid":"`...) // ids hold nothing that needs escapes
	b = append(b, m.From...)
	b = append(b, `","type":`...)
	b = strconv.AppendUint(b, uint64(m.Kind), 10)
	b = append(b, `,"attachmentId":"`...)
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	it.Data, err = nodewire.AppendSharedMsgpack(b, m)
	return err
}

// head and row are the parts of an item that is a row.
func headAndRow(it *outbox.Item) (head, row []byte) {
	n := 2 + int(binary.BigEndian.Uint16(it.Data))
	return it.Data[2:n], it.Data[n:]
}

// Interest implements [adapter.Adapter]: a namespace costs a channel, a room
// nothing.
func (a *Adapter) Interest(changes ...adapter.Interest) {
	var gone []string
	a.mu.Lock()
	for _, c := range changes {
		if c.Room != "" || c.On == (a.spaces[c.NS] != nil) {
			continue
		}
		name := channel(a.o.Prefix, c.NS)
		if c.On {
			a.spaces[c.NS] = newSpace()
			a.channels[name] = append(a.channels[name], c.NS)
		} else {
			delete(a.spaces, c.NS)
			a.channels[name] = without(a.channels[name], c.NS)
			if len(a.channels[name]) == 0 {
				delete(a.channels, name)
			}
			gone = append(gone, c.NS)
		}
		a.changes[name] = true
	}
	if a.link == nil {
		clear(a.changes)
		gone = nil
	}
	a.mu.Unlock()
	poke(a.changed)
	for _, ns := range gone {
		a.say(adapter.Goodbye, ns)
	}
}

func without(list []string, s string) []string {
	kept := make([]string, 0, len(list))
	for _, l := range list {
		if l != s {
			kept = append(kept, l)
		}
	}
	return kept
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Stats implements [adapter.Adapter].
func (a *Adapter) Stats() adapter.Stats { return a.base.Stats() }

// Close implements [adapter.Adapter]. It says goodbye in the namespaces where
// nobody has, and returns the error of ctx if that has ended before all was sent.
func (a *Adapter) Close(ctx context.Context) error {
	for _, ns := range a.takeLeave() {
		a.say(adapter.Goodbye, ns)
	}
	return a.base.Close(ctx)
}
