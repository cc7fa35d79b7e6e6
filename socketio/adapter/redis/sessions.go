package redis

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// One stream is a log. Several are none: a namespace's entries may be in two.
var (
	_ adapter.Log     = (*Adapter)(nil)
	_ adapter.NodeLog = (*Adapter)(nil)
)

var errNoLog = errors.New("redis: there is no log")

// logID is that of all marks: whether the stream is the same its entries tell.
const logID = 1

// markOf is the place of an entry.
func markOf(id string) (m adapter.Mark, ok bool) {
	ms, seq, _ := strings.Cut(id, "-")
	high, err1 := strconv.ParseUint(ms, 10, 48)
	low, err2 := strconv.ParseUint(seq, 10, 32)
	if err1 != nil || err2 != nil {
		return m, false
	}
	return adapter.Mark{Log: logID, High: high, Low: uint32(low)}, high > 0
}

func idOf(m adapter.Mark) string {
	return strconv.FormatUint(m.High, 10) + "-" + strconv.FormatUint(uint64(m.Low), 10)
}

// logs reports whether the adapter is a log.
func (a *Adapter) logs() bool { return a.form.traits().Log }

// client is that of the link, nil if there is none.
func (a *Adapter) client() *goredis.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.link == nil || a.link.client == nil {
		return nil
	}
	return a.link.client
}

// page is how many entries are read at once.
const page = 500

// Read implements [adapter.Log].
func (a *Adapter) Read(ctx context.Context, ns string, from, to adapter.Mark, yield func(*adapter.Message) error) error {
	client := a.client()
	switch {
	case !a.logs():
		return errNoLog
	case from.Log != logID:
		return adapter.ErrGone
	case client == nil:
		return errDown
	}
	stream := a.o.Prefix
	// The entry where reading begins must be there: else what followed it may be
	// gone too, by trimming or by a fail-over.
	first, err := client.XRangeN(ctx, stream, idOf(from), idOf(from), 1).Result()
	if err != nil {
		return err
	}
	if len(first) == 0 {
		return adapter.ErrGone
	}
	r := nodewire.Reader{Self: "-", MaxBytes: a.o.MaxMessage/3*4 + 4}
	for at := idOf(from); ; {
		list, err := client.XRangeN(ctx, stream, "("+at, idOf(to), page).Result()
		if err != nil {
			return err
		}
		for _, entry := range list {
			at = entry.ID
			var e nodewire.Entry
			for name, v := range entry.Values {
				if text, ok := v.(string); ok {
					e.Set(name, text)
				}
			}
			if e.NSP != ns {
				continue
			}
			m, err := r.Entry(&e)
			if err != nil || m == nil {
				continue // nobody could carry it out
			}
			m.At, _ = markOf(entry.ID)
			if err := yield(m); err != nil {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// lastID is the id of a stream's last entry, without the entry.
const lastID = `local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return last[1] and last[1][1] or '0-0'`

// End implements [adapter.Log].
func (a *Adapter) End(ctx context.Context) (adapter.Mark, error) {
	client := a.client()
	switch {
	case !a.logs():
		return adapter.Mark{}, errNoLog
	case client == nil:
		return adapter.Mark{}, errDown
	}
	id, err := client.Eval(ctx, lastID, []string{a.o.Prefix}).Text()
	if err != nil {
		return adapter.Mark{}, err
	}
	at, _ := markOf(id)
	return at, nil
}

// PutSession implements [adapter.Log].
func (a *Adapter) PutSession(s adapter.Session) {
	if !a.logs() {
		brokered.Tell(s, adapter.NotStored)
		return
	}
	a.sessions.Put(s, page, a.storeSome)
}

// replace stores a session in place of what begins with something.
var replace = `local v = redis.call('GET', KEYS[1])
if not v then return ` + strconv.Itoa(int(adapter.StoredNone)) + ` end
if string.sub(v, 1, #ARGV[3]) ~= ARGV[3] then return ` + strconv.Itoa(int(adapter.StoredOther)) + ` end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return ` + strconv.Itoa(int(adapter.StoredThere))

func (a *Adapter) storeSome(list []adapter.Session) {
	client := a.client()
	if client == nil {
		for _, s := range list {
			brokered.Tell(s, adapter.NotStored)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	pipe := client.Pipeline()
	answers := make([]goredis.Cmder, len(list))
	for i, s := range list {
		key, ms := a.sessionKey(s.Key), max(s.TTL.Milliseconds(), 0)
		switch {
		case s.First && ms > 0:
			answers[i] = pipe.Set(ctx, key, s.State, s.TTL)
		case s.First:
			answers[i] = pipe.Del(ctx, key)
		default:
			answers[i] = pipe.Eval(ctx, replace, []string{key}, s.State, ms, s.Replaces())
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		a.log.Warn("the cluster's Redis does not store sessions of clients", "error", err)
	}
	for i, c := range answers {
		what := adapter.StoredThere
		if c.Err() != nil {
			what = adapter.NotStored
		} else if e, ok := c.(*goredis.Cmd); ok {
			n, _ := e.Int() // the script says nothing else
			what = adapter.Stored(n)
		}
		brokered.Tell(list[i], what)
	}
}

// sessionKey is the key of a session, among those of Node's servers.
func (a *Adapter) sessionKey(name string) string {
	if a.o.Prefix == defaultPrefix {
		return "sio:session:" + name
	}
	return a.o.Prefix + ":session:" + name
}

// PeekSessions implements [adapter.Log].
func (a *Adapter) PeekSessions(ctx context.Context, keys []string) ([]adapter.Kept, error) {
	client := a.client()
	switch {
	case !a.logs():
		return nil, errNoLog
	case client == nil:
		return nil, errDown
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = a.sessionKey(key)
	}
	values, err := client.MGet(ctx, names...).Result()
	if err != nil {
		return nil, err
	}
	list := make([]adapter.Kept, len(keys))
	for i, v := range values {
		if text, ok := v.(string); ok {
			list[i].State = []byte(text)
		}
	}
	return list, nil
}

var nodeOffset = regexp.MustCompile(`^[0-9]{1,14}-[0-9]{1,10}$`)

// NodeOffset implements [adapter.NodeLog]: an offset of Node's is the id of an
// entry.
func (a *Adapter) NodeOffset(offset string) (adapter.Mark, bool) {
	if !nodeOffset.MatchString(offset) {
		return adapter.Mark{}, false
	}
	return markOf(offset)
}

var nodePID = regexp.MustCompile(`^[0-9A-Za-z_-]{20}$`)

// TakeNodeSession implements [adapter.NodeLog].
func (a *Adapter) TakeNodeSession(ctx context.Context, pid string) (*adapter.NodeSession, error) {
	if !nodePID.MatchString(pid) {
		return nil, nil
	}
	client := a.client()
	switch {
	case !a.logs():
		return nil, errNoLog
	case client == nil:
		return nil, errDown
	}
	b, err := client.GetDel(ctx, a.sessionKey(pid)).Bytes()
	if err == goredis.Nil {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Decode(raw, b)
	if err != nil {
		return nil, err
	}
	var s struct {
		SID   string   `json:"sid"`
		PID   string   `json:"pid"`
		Rooms []string `json:"rooms"`
		Data  any      `json:"data"`
		Ours  bool     `json:"sockeye"`
	}
	check := value.MsgpackScanner{Data: raw[:n], MaxDepth: 100}
	if end, err := check.Value(0); err != nil || end != n {
		return nil, errors.New("redis: a session that is no MessagePack")
	}
	if err := value.NewRaw(raw[:n], &value.Source{Msgpack: true}).Decode(&s); err != nil {
		return nil, err
	}
	if s.PID != pid || s.SID == "" {
		return nil, nil
	}
	data, err := json.Marshal(s.Data)
	if err != nil {
		return nil, err
	}
	return &adapter.NodeSession{SID: s.SID, Rooms: s.Rooms, Data: data, Ours: s.Ours}, nil
}

// WriteNodeOffset implements [adapter.NodeLog]. Redis reads zeros in front.
func (a *Adapter) WriteNodeOffset(place []byte, at adapter.Mark) {
	copy(place, fmt.Sprintf("%013d-%010d", at.High, at.Low))
}

// PutNodeSession implements [adapter.NodeLog].
func (a *Adapter) PutNodeSession(pid string, s *adapter.NodeSession, ttl time.Duration) {
	if !nodePID.MatchString(pid) {
		return
	}
	if s == nil {
		a.PutSession(adapter.Session{Key: pid, First: true})
		return
	}
	data := json.RawMessage("{}")
	if len(s.Data) > 0 {
		data = s.Data
	}
	e := value.NewEncoder(true, nil)
	defer e.Free()
	if err := e.Value(map[string]any{"sid": s.SID, "pid": pid, "rooms": s.Rooms, "data": data, "sockeye": true}); err != nil {
		a.log.Warn("a session of a client cannot be told to Node's servers", "error", err)
		return
	}
	a.PutSession(adapter.Session{Key: pid, State: []byte(base64.StdEncoding.EncodeToString(e.Bytes())), TTL: ttl, First: true})
}

// mark is where reading the log begins, of a link that does not read yet.
func (a *Adapter) mark() adapter.Mark {
	if f, ok := a.form.(*streams); ok {
		return f.log.mark()
	}
	return adapter.Mark{}
}
