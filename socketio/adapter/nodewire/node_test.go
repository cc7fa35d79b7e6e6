package nodewire

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// A recorded message is what one of Node's adapters has published, and how it
// reads that itself.
type recorded struct {
	Adapter, Call, Channel, Hex string
	Entry                       map[string]string
	Read                        any
}

func nodeMessages(t testing.TB) (all []recorded) {
	t.Helper()
	file, err := os.Open("testdata/node.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var m recorded
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	if lines.Err() != nil || len(all) < 200 {
		t.Fatalf("%d messages, %v", len(all), lines.Err())
	}
	return all
}

func (c *recorded) payload(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(c.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// get has r read the message.
func (c *recorded) get(t testing.TB, r *Reader) (*adapter.Message, error) {
	switch {
	case c.Adapter == "classic":
		return r.Classic(c.Channel, c.payload(t))
	case c.Entry == nil:
		return r.Shared("", c.payload(t))
	}
	var e Entry
	for name, val := range c.Entry {
		e.Set(name, val)
	}
	return r.Entry(&e)
}

// walk goes into decoded JSON; nil if there is nothing.
func walk(v any, keys ...any) any {
	for _, k := range keys {
		switch x := v.(type) {
		case map[string]any:
			name, _ := k.(string)
			v = x[name]
		case []any:
			v = nil
			if i, ok := k.(int); ok && i < len(x) {
				v = x[i]
			}
		default:
			return nil
		}
	}
	return v
}

// hexed is data as Go values, binaries as the recorder writes them.
func hexed(t testing.TB, d adapter.Data) any {
	v := plain(t, d, false)
	var each func(v any) any
	each = func(v any) any {
		switch v := v.(type) {
		case bin:
			return map[string]any{"$$hex": hex.EncodeToString([]byte(v))}
		case []any:
			for i := range v {
				v[i] = each(v[i])
			}
		case map[string]any:
			for k := range v {
				v[k] = each(v[k])
			}
		}
		return v
	}
	return each(v)
}

// whole makes one of replacement characters in a row: how many of them half a
// surrogate pair in MessagePack becomes is not the same in Node's two decoders.
func whole(v any) any {
	switch v := v.(type) {
	case string:
		for strings.Contains(v, "\uFFFD\uFFFD") {
			v = strings.ReplaceAll(v, "\uFFFD\uFFFD", "\uFFFD")
		}
		return v
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}

func names(t testing.TB, v any) []string {
	list := []string{}
	for _, x := range v.([]any) {
		switch x := x.(type) {
		case string:
			list = append(list, x)
		case float64:
			b, _ := json.Marshal(x)
			list = append(list, string(b))
		default:
			t.Fatalf("%v is no name", x)
		}
	}
	return list
}

var classicKinds = map[float64]adapter.Kind{0: adapter.IDs, 1: adapter.Rooms, 2: adapter.Join, 3: adapter.Leave, 4: adapter.Disconnect, 5: adapter.Fetch,
	6: adapter.ServerSide, 7: adapter.Broadcast, 8: adapter.ClientCount, 9: adapter.ClientAck}

// TestReadsNode reads what Node's adapters have published as they do themselves.
func TestReadsNode(t *testing.T) {
	r := Reader{Self: reader, Prefix: "socket.io"}
	kinds := map[string]map[adapter.Kind]int{"classic": {}, "sharded": {}, "streams": {}}
	for _, c := range nodeMessages(t) {
		m, err := c.get(t, &r)
		if err != nil || m == nil {
			t.Errorf("%s %s: %v, %v", c.Adapter, c.Call, m, err)
			continue
		}
		kinds[c.Adapter][m.Kind]++
		in := walk(c.Read, "data") // where the rest is
		opts := walk(in, "opts")
		wantKind, from := adapter.Kind(0), walk(c.Read, "uid")
		if _, isList := c.Read.([]any); isList {
			wantKind, from, opts, in = adapter.Broadcast, walk(c.Read, 0), walk(c.Read, 2), map[string]any{"packet": walk(c.Read, 1)}
		} else if c.Adapter == "classic" {
			in, opts = c.Read, walk(c.Read, "opts")
			n, told := walk(c.Read, "type").(float64)
			wantKind = classicKinds[n]
			if !told {
				if wantKind = adapter.FetchAnswer; walk(c.Read, "rooms") != nil {
					wantKind = adapter.RoomsAnswer
				} else if _, is := walk(c.Read, "sockets", 0).(string); is {
					wantKind = adapter.IDsAnswer
				}
			} else if from == nil && n == 6 {
				wantKind = adapter.ServerSideAnswer
			}
		} else {
			wantKind = adapter.Kind(walk(c.Read, "type").(float64))
		}
		if from == nil || from == "emitter" {
			from = ""
		}
		if m.Kind != wantKind || m.From != from || m.Seq != 0 || m.Lane != 0 || m.To != "" {
			t.Errorf("%s %s: %s from %q, want %s from %q", c.Adapter, c.Call, m.Kind, m.From, wantKind, from)
		}
		if want, _ := walk(in, "requestId").(string); m.Request != want {
			t.Errorf("%s %s: request %q, want %q", c.Adapter, c.Call, m.Request, want)
		}
		if opts != nil {
			if !slices.Equal(m.Rooms, names(t, walk(opts, "rooms"))) || !slices.Equal(m.Except, names(t, walk(opts, "except"))) {
				t.Errorf("%s %s: to %q but %q, want %v", c.Adapter, c.Call, m.Rooms, m.Except, opts)
			}
			flags := adapter.Flags{Volatile: walk(opts, "flags", "volatile") == true, NoCompress: walk(opts, "flags", "compress") == false}
			if ms, ok := walk(opts, "flags", "timeout").(float64); ok {
				flags.Timeout = time.Duration(ms) * time.Millisecond
			}
			if m.Flags != flags {
				t.Errorf("%s %s: %+v, want %+v", c.Adapter, c.Call, m.Flags, flags)
			}
		}
		var data any
		switch m.Kind {
		case adapter.Broadcast:
			data = walk(in, "packet", "data")
		case adapter.ServerSide:
			if data = walk(in, "packet"); c.Adapter == "classic" {
				data = walk(in, "data")
			}
		case adapter.ServerSideAnswer:
			if data = []any{walk(in, "packet")}; c.Adapter == "classic" {
				data = []any{walk(in, "data")}
			}
		case adapter.ClientAck:
			data = []any{walk(in, "packet")}
		case adapter.FetchAnswer, adapter.IDsAnswer:
			data = walk(in, "sockets")
		case adapter.RoomsAnswer:
			data = walk(in, "rooms")
		case adapter.Join, adapter.Leave:
			if !slices.Equal(m.Names, names(t, walk(in, "rooms"))) {
				t.Errorf("%s %s: %q, want %v", c.Adapter, c.Call, m.Names, in)
			}
		case adapter.Disconnect:
			if m.Close != walk(in, "close") {
				t.Errorf("%s %s: close %v", c.Adapter, c.Call, m.Close)
			}
		case adapter.ClientCount:
			if float64(m.Count) != walk(in, "clientCount") {
				t.Errorf("%s %s: %d, want %v", c.Adapter, c.Call, m.Count, in)
			}
		}
		if got := hexed(t, m.Data); !reflect.DeepEqual(whole(got), whole(data)) {
			t.Errorf("%s %s:\nread %.1000v\nwant %.1000v", c.Adapter, c.Call, got, data)
		}
	}
	for name, most := range map[string]int{"classic": 13, "sharded": 10, "streams": 10} {
		if len(kinds[name]) != most {
			t.Errorf("%s: %v, want %d kinds", name, kinds[name], most)
		}
	}
}
