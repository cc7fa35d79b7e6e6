package redis

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// A streamLog reads the streams of a cluster, over one link after the other.
type streamLog struct {
	a     *Adapter
	names []string
	at    [][]byte // the id of the last entry that was read, for each of names; nil: none yet
	entry nodewire.Reader
	large int // what the fields of an entry may have together

	own map[string]uint64 // the number of the last entry of our own that was seen, by namespace

	// The entry at hand.
	id    []byte
	text  []byte // its fields
	ends  []int  // where each ends in text
	fresh nodewire.Entry
}

func newStreamLog(a *Adapter) *streamLog {
	names := streamsOf(a.o.Prefix, a.o.Streams)
	return &streamLog{
		a: a, names: names, at: make([][]byte, len(names)), large: a.o.MaxMessage/3*4 + 1<<20,
		own:   make(map[string]uint64),
		entry: nodewire.Reader{Wants: a.base.In.Wants, MaxBytes: a.o.MaxMessage/3*4 + 4},
	}
}

// open connects and finds the place to read from: the end at first, and where
// reading has ended afterwards.
func (s *streamLog) open(ctx context.Context, addr string) (*conn, error) {
	s.entry.Self = s.a.self.ID
	c, err := s.a.o.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	for i, name := range s.names {
		if err := s.place(c, i, name); err != nil {
			c.close()
			return nil, fmt.Errorf("stream %q: %w", name, err)
		}
	}
	if err := s.settle(c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// settle finds out what has become of entries that were on their way when the
// last link ended: the stream has a first part of them, in order. The rest is
// sent before all else.
func (s *streamLog) settle(c *conn) error {
	a := s.a
	if len(a.unsure) == 0 {
		return nil
	}
	for i, name := range s.names {
		at := bytes.Clone(s.at[i])
		for more := true; more; {
			c.command("XRANGE", name, string(next(at)), "+", "COUNT", "100")
			if err := c.flush(); err != nil {
				return err
			}
			n, err := c.want('*')
			if err != nil {
				return err
			}
			more = n > 0
			for range n {
				if at, _, err = s.next(c, at); err != nil {
					return err
				}
			}
		}
	}
	items := a.unsure
	a.unsure = nil
	n := 0
	for n < len(items) && s.has(items[n]) {
		n++
	}
	a.base.Out.Sent(items[:n])
	a.base.Out.Back(items[n:])
	return nil
}

// has reports whether an entry of ours was seen in its stream.
func (s *streamLog) has(it *outbox.Item) bool {
	var e nodewire.Entry
	fields := nodewire.EntryFields(nil, it.Data)
	for i := 0; i+1 < len(fields); i += 2 {
		e.Set(fields[i], fields[i+1])
	}
	seq, _ := strconv.ParseUint(e.Seq, 10, 64)
	return seq != 0 && seq <= s.own[e.NSP]
}

// next is the id that follows one.
func next(id []byte) []byte {
	ms, seq, _ := bytes.Cut(id, []byte("-"))
	n, _ := strconv.ParseUint(string(seq), 10, 64)
	return strconv.AppendUint(append(bytes.Clone(ms), '-'), n+1, 10)
}

// place finds where to go on in a stream. If that has lost its end, as after a
// fail-over or a restart, its ids may begin below where we were.
func (s *streamLog) place(c *conn, i int, name string) error {
	v, err := c.do("XREVRANGE", name, "+", "-", "COUNT", "1")
	if err != nil {
		return err
	}
	last := []byte("0-0")
	if list, ok := v.([]any); ok && len(list) == 1 {
		if entry, ok := list[0].([]any); ok && len(entry) > 0 {
			if id, ok := entry[0].(string); ok {
				last = []byte(id)
			}
		}
	}
	if s.at[i] == nil || compareIDs(last, s.at[i]) < 0 {
		s.at[i] = last
	}
	return nil
}

// compareIDs compares the ids of two entries.
func compareIDs(a, b []byte) int {
	for range 2 {
		x, moreA, _ := bytes.Cut(a, []byte("-"))
		y, moreB, _ := bytes.Cut(b, []byte("-"))
		m, _ := strconv.ParseUint(string(x), 10, 64)
		n, _ := strconv.ParseUint(string(y), 10, 64)
		switch {
		case m < n:
			return -1
		case m > n:
			return 1
		}
		a, b = moreA, moreB
	}
	return 0
}

// block is how long the server waits with its answer when there is no entry.
const block = 3 * time.Second

// read passes on entries until the link ends.
func (s *streamLog) read(c *conn) error {
	c.gather = s.a.base.In.Gather
	defer c.tell(false)
	for {
		c.out = appendHead(c.out, 6+2*len(s.names))
		for _, arg := range []string{"XREAD", "COUNT", "100", "BLOCK", strconv.FormatInt(block.Milliseconds(), 10), "STREAMS"} {
			c.out = appendArg(c.out, arg)
		}
		for _, name := range s.names {
			c.out = appendArg(c.out, name)
		}
		for _, id := range s.at {
			c.out = appendArg(c.out, id)
		}
		if err := c.flush(); err != nil {
			return err
		}
		kind, n, text, err := c.head()
		switch {
		case err != nil:
			return err
		case kind == '-':
			return replyError(text)
		case kind != '*' && (kind != '$' || n >= 0):
			return errProtocol
		}
		for range max(n, 0) {
			if err := s.stream(c); err != nil {
				return err
			}
		}
	}
}

// stream reads what has come of one stream.
func (s *streamLog) stream(c *conn) error {
	if n, err := c.want('*'); err != nil || n != 2 {
		return protocol(err)
	}
	name, err := c.text(c.channel[:0], maxReply)
	if c.channel = name; err != nil {
		return err
	}
	i := 0
	for i < len(s.names) && s.names[i] != string(name) {
		i++
	}
	n, err := c.want('*')
	if err != nil || i == len(s.names) {
		return protocol(err)
	}
	for range n {
		id, e, err := s.next(c, s.at[i])
		if err != nil {
			return err
		}
		if e != nil {
			s.take(id, e)
		} else {
			s.a.take(nil, nodewire.Size)
		}
		s.at[i] = id
	}
	return nil
}

// take passes an entry on, with its place if there is one stream. Our own are told
// for the sake of that.
func (s *streamLog) take(id []byte, e *nodewire.Entry) {
	m, err := s.entry.Entry(e)
	if s.a.o.Streams != 1 || err != nil {
		s.a.take(m, err)
		return
	}
	at, _ := markOf(string(id))
	if m != nil {
		m.At = at
		s.a.take(m, nil)
		return
	}
	s.a.take(nil, nil)
	seq, _ := strconv.ParseUint(e.Seq, 10, 64)
	if e.UID == s.a.self.ID && e.Lane == "" && seq != 0 {
		s.a.base.In.Message(&adapter.Message{Kind: adapter.Broadcast, From: e.UID, NS: e.NSP, Seq: seq, At: at, Skipped: true})
	}
}

// mark is where reading begins, before it does.
func (s *streamLog) mark() (m adapter.Mark) {
	if s.a.o.Streams == 1 {
		m, _ = markOf(string(s.at[0]))
	}
	return m
}

// next reads an entry, and its id over old. An entry that is too large is nil.
func (s *streamLog) next(c *conn, old []byte) (id []byte, e *nodewire.Entry, err error) {
	if n, err := c.want('*'); err != nil || n != 2 {
		return old, nil, protocol(err)
	}
	if s.id, err = c.text(s.id[:0], 64); err != nil {
		return old, nil, err
	}
	ok, err := s.fields(c)
	if err != nil {
		return old, nil, err
	}
	if e = &s.fresh; e.UID == s.a.self.ID {
		if n, err := strconv.ParseUint(e.Seq, 10, 64); err == nil {
			if _, known := s.own[e.NSP]; !known {
				e.NSP = strings.Clone(e.NSP)
			}
			s.own[e.NSP] = n
		}
	}
	if !ok {
		e = nil
	}
	return append(old[:0], s.id...), e, nil
}

func protocol(err error) error {
	if err == nil {
		err = errProtocol
	}
	return err
}

// fields reads the fields of an entry. ok is false if they were too large, and
// were passed over.
func (s *streamLog) fields(c *conn) (ok bool, err error) {
	s.fresh = nodewire.Entry{}
	n, err := c.want('*')
	if err != nil {
		return false, err
	}
	s.text, s.ends, ok = s.text[:0], s.ends[:0], true
	if cap(s.text) > 1<<20 {
		s.text = nil
	}
	for range max(n, 0) {
		size, err := c.want('$')
		if err != nil || size < 0 {
			return false, protocol(err)
		}
		if ok = ok && len(s.text)+size <= s.large && len(s.ends) < 100; !ok {
			if _, err := c.r.Discard(size + 2); err != nil {
				return false, err
			}
			continue
		}
		if s.text, err = c.body(s.text, size); err != nil {
			return false, err
		}
		s.ends = append(s.ends, len(s.text))
	}
	all, from := string(s.text), 0
	for i := 0; ok && i+1 < len(s.ends); i += 2 {
		s.fresh.Set(all[from:s.ends[i]], all[s.ends[i]:s.ends[i+1]])
		from = s.ends[i+1]
	}
	return ok, nil
}
