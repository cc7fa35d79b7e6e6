package redis

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// NewStreams returns an adapter that speaks the format of Node's adapter for
// streams. Broadcasts, joins, leaves and disconnects are entries of a stream: a
// node that was away reads them later, as long as the stream keeps them, and
// what was on its way when a connection ended is sent again unless the stream
// has it. All else travels beside the stream, by Pub/Sub, at most once.
func NewStreams(o Options) (*Adapter, error) {
	o, err := o.prepare(formatStreams)
	if err != nil {
		return nil, err
	}
	return newAdapter(o, newStreams), nil
}

// The lanes of messages for all.
const (
	laneStream = iota
	laneBeside
)

// tagEntry marks the items that are entries of the stream that Dest names.
const tagEntry = 1

// streams is the form of @socket.io/redis-streams-adapter.
type streams struct {
	a      *Adapter
	beside nodewire.Reader // of what comes by Pub/Sub
	log    *streamLog
	maxLen string // of MAXLEN; empty: none
	fields []string
}

func newStreams(a *Adapter) form {
	f := &streams{a: a, beside: nodewire.Reader{Wants: a.base.In.Wants, MaxBytes: a.o.MaxMessage}}
	if a.o.MaxLen > 0 {
		f.maxLen = strconv.Itoa(a.o.MaxLen)
	}
	f.log = newStreamLog(a)
	return f
}

func (f *streams) traits() adapter.Traits {
	return adapter.Traits{Name: "streams", AtLeastOnce: true, Mixed: true, Log: f.a.o.Streams == 1, OneValue: true, MaxMessage: f.a.base.Largest()}
}

func (f *streams) lane(m *adapter.Message) uint32 {
	if nodewire.Ephemeral(m) {
		return laneBeside
	}
	return laneStream
}

func (f *streams) encode(it *outbox.Item, m *adapter.Message) (err error) {
	if !nodewire.Ephemeral(m) {
		it.Tag, it.Dest = tagEntry, streamOf(f.a.o.Prefix, m.NS, f.a.o.Streams)
		it.Data, err = nodewire.AppendEntry(it.Data, m)
		return err
	}
	it.Dest = f.a.o.Prefix + "#" + m.NS + "#"
	if m.To != "" {
		it.Dest += m.To + "#"
	}
	it.Data, err = nodewire.AppendSharedMsgpack(it.Data, m)
	return err
}

func (f *streams) command(b []byte, it *outbox.Item) []byte {
	if it.Tag != tagEntry {
		return appendPublish(b, it)
	}
	f.fields = nodewire.EntryFields(f.fields[:0], it.Data)
	if f.maxLen == "" {
		b = appendArg(appendArg(appendHead(b, 3+len(f.fields)), "XADD"), it.Dest)
	} else {
		b = appendArg(appendArg(appendHead(b, 6+len(f.fields)), "XADD"), it.Dest)
		b = appendArg(appendArg(appendArg(b, "MAXLEN"), "~"), f.maxLen)
	}
	b = appendArg(b, "*")
	for _, s := range f.fields {
		b = appendArg(b, s)
	}
	return b
}

func (f *streams) patterns() []string { return nil }

func (f *streams) channels(ns string) []string {
	public := f.a.o.Prefix + "#" + ns + "#"
	return []string{public, public + f.a.self.ID + "#"}
}

func (f *streams) receive(channel string, payload []byte) (*adapter.Message, error) {
	f.beside.Self = f.a.self.ID
	ns := strings.TrimPrefix(channel, f.a.o.Prefix+"#")
	if own := "#" + f.a.self.ID + "#"; strings.HasSuffix(ns, own) {
		ns = strings.TrimSuffix(ns, own)
	} else {
		ns = strings.TrimSuffix(ns, "#")
	}
	return f.beside.Shared(ns, payload)
}

func (f *streams) open(ctx context.Context, addr string) (*conn, error) {
	if f.a.self.Deaf {
		return nil, nil
	}
	return f.log.open(ctx, addr)
}

func (f *streams) read(c *conn) error { return f.log.read(c) }

// keeps: the stream tells whether it has an entry, to who reads it.
func (f *streams) keeps(it *outbox.Item) bool { return it.Tag == tagEntry && !f.a.self.Deaf }

// streamOf names the stream that a namespace's entries are written to. Node
// takes the signed remainder of a signed hash: the entries of some namespaces
// ("/notifications" of four streams) go to a stream like socket.io--3, which no
// Node server reads. Ours go to the stream of the same remainder taken from
// above zero: every Node server reads all of these, and asks each entry for its
// namespace.
func streamOf(prefix, ns string, count int) string {
	if count == 1 {
		return prefix
	}
	var h int32
	for _, c := range utf16.Encode([]rune(ns)) {
		h = h*31 + int32(c)
	}
	n := int32(count)
	return prefix + "-" + strconv.Itoa(int((h%n+n)%n))
}

// streamsOf names all streams that entries may be in, those included that only
// Node writes to.
func streamsOf(prefix string, count int) []string {
	if count == 1 {
		return []string{prefix}
	}
	var all []string
	for i := 1 - count; i < count; i++ {
		all = append(all, prefix+"-"+strconv.Itoa(i))
	}
	return all
}
