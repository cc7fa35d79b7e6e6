package nodewire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// generator makes messages of all kinds.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 7))} }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

func (g generator) name() string {
	return pick(g, "a", "room1", "", "5", "é日本😀", `quo"te\`, "x#y", "#", "line\nbreak\x00", strings.Repeat("n", 300), "socket-id-of-20-chars")
}

func (g generator) names(most int) (list []string) {
	for range g.IntN(most + 1) {
		list = append(list, g.name())
	}
	return list
}

func (g generator) ns() string {
	return pick(g, "/", "/chat", "/tenant/a[bc]", "/a#b", `/"q"`, "/日本")
}

func (g generator) id() string { return fmt.Sprintf("%016x", g.Uint64()) }

// value makes any JSON value, []byte among them.
func (g generator) value(depth int) any {
	n := g.IntN(16)
	if depth == 0 {
		n = g.IntN(12)
	}
	switch n {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return pick[any](g, 0, 1, -1, 127, 128, 255, 256, -32, -33, -128, -129, 32767, 65535, 65536, -32768, -32769, 2147483647, int64(2147483648), int64(4294967295), int64(4294967296),
			-2147483648, int64(-2147483649), int64(-4294967296), int64(9007199254740991), int64(-9007199254740991))
	case 3:
		return pick[any](g, 0.1, -0.1, 1.5e-7, 5e-324, 16777217.5, 1e21, 1e300, -1e21, 18446744073709551616.0, 9223372036854775808.0, 4503599627370495.5, 1.7976931348623157e308)
	case 4, 5, 6:
		return g.name()
	case 7:
		return strings.Repeat("x", pick(g, 31, 32, 255, 256, 70_000))
	case 8:
		return map[string]any{"_placeholders": true, "num": 0}
	case 9:
		return []byte(pick(g, "", "\x00", "bin", "\xff\xfe", strings.Repeat("b", 300)))
	case 10:
		return time.UnixMilli(g.Int64N(1 << 42)).UTC()
	case 11:
		return map[string]any{"type": "Buffer", "data": []any{1, 2, 3}}
	case 12, 13:
		list := []any{}
		for range pick(g, 0, 1, 3, 15, 16, 20) {
			list = append(list, g.value(depth-1))
		}
		return list
	default:
		m := map[string]any{}
		for i := range pick(g, 0, 1, 3, 15, 16, 20) {
			m[pick(g, g.name(), fmt.Sprint("k", i))] = g.value(depth - 1)
		}
		return m
	}
}

// dataOf encodes values as the server does.
func dataOf(t testing.TB, values ...any) adapter.Data {
	t.Helper()
	e := value.NewEncoder(false, nil)
	defer e.Free()
	if values == nil {
		values = []any{}
	}
	if err := e.Value(values); err != nil {
		t.Fatal(err)
	}
	return adapter.Data{Text: bytes.Clone(e.Bytes()), Attachments: slices.Clone(e.Attachments())}
}

func (g generator) values(most int) (list []any) {
	for range g.IntN(most + 1) {
		list = append(list, g.value(3))
	}
	return list
}

// allKinds are the kinds that can be published.
var allKinds = []adapter.Kind{adapter.Hello, adapter.Heartbeat, adapter.Broadcast, adapter.Join, adapter.Leave, adapter.Disconnect, adapter.Fetch, adapter.FetchAnswer,
	adapter.ServerSide, adapter.ServerSideAnswer, adapter.ClientCount, adapter.ClientAck, adapter.Goodbye, adapter.IDs, adapter.IDsAnswer, adapter.Rooms, adapter.RoomsAnswer,
	adapter.Has, adapter.HasAnswer}

func (g generator) message(t testing.TB, k adapter.Kind) *adapter.Message {
	m := &adapter.Message{Kind: k, From: g.id(), NS: g.ns()}
	if mustAsk(k) || (k == adapter.Broadcast || k == adapter.ServerSide) && g.IntN(3) == 0 {
		m.Request = g.id()
	}
	if k.Answers() {
		m.To = g.id()
	} else if g.IntN(4) > 0 {
		m.Seq, m.Lane = g.Uint64()|1, uint32(g.IntN(3))*1_000_000_000
	}
	switch k {
	case adapter.Hello, adapter.Heartbeat:
		m.Node = &adapter.Node{ID: m.From, Name: g.name(), Version: g.IntN(5), Address: pick(g, "", "http://10.0.0.1:3000")}
		for range g.IntN(20) {
			m.Positions = append(m.Positions, adapter.Position{NS: g.ns(), Lane: g.Uint32(), Seq: g.Uint64()})
		}
	case adapter.Broadcast:
		m.Flags = adapter.Flags{Volatile: g.IntN(3) == 0, NoCompress: g.IntN(3) == 0, Timeout: pick(g, 0, time.Second, 1234*time.Millisecond)}
		m.Data = dataOf(t, append([]any{"event"}, g.values(3)...)...)
	case adapter.ServerSide:
		m.Data = dataOf(t, append([]any{"event"}, g.values(3)...)...)
	case adapter.ServerSideAnswer, adapter.ClientAck:
		m.Data = dataOf(t, g.values(3)...)
	case adapter.FetchAnswer:
		var sockets []any
		for range 1 + g.IntN(3) {
			sockets = append(sockets, map[string]any{"id": g.id(), "rooms": append([]string{}, g.names(3)...), "data": g.value(2), "handshake": map[string]any{"auth": g.value(1)}})
		}
		m.Data = dataOf(t, sockets...)
	case adapter.IDsAnswer, adapter.RoomsAnswer:
		var list []any
		for range g.IntN(4) {
			list = append(list, g.name())
		}
		m.Data = dataOf(t, list...)
	case adapter.Join, adapter.Leave:
		m.Names = g.names(4)
	case adapter.Disconnect:
		m.Close = g.IntN(2) == 0
	case adapter.ClientCount:
		m.Count = g.IntN(1 << 20)
	case adapter.HasAnswer:
		m.Count = g.IntN(2)
	}
	switch k {
	case adapter.Broadcast, adapter.Join, adapter.Leave, adapter.Disconnect, adapter.Fetch, adapter.IDs:
		m.Rooms, m.Except = g.names(3), g.names(3)
	}
	return m
}

// plain is the data as Go values, binaries as base64 in a type of their own, or
// as Node's JSON has them.
func plain(t testing.TB, d adapter.Data, asJSON bool) any {
	t.Helper()
	if d.Text == nil {
		return nil
	}
	var v any
	if err := value.DecodeJSON(d.Text, d.Attachments, &v); err != nil {
		t.Fatal(err)
	}
	return marked(v, asJSON)
}

type bin string

func marked(v any, asJSON bool) any {
	switch v := v.(type) {
	case []byte:
		if !asJSON {
			return bin(v)
		}
		list := []any{}
		for _, b := range v {
			list = append(list, float64(b))
		}
		return map[string]any{"type": "Buffer", "data": list}
	case []any:
		for i := range v {
			v[i] = marked(v[i], asJSON)
		}
	case map[string]any:
		for k := range v {
			v[k] = marked(v[k], asJSON)
		}
	}
	return v
}

// same compares messages, their data by its values.
func same(t testing.TB, got, want *adapter.Message, asJSON bool) {
	t.Helper()
	if got == nil {
		t.Fatalf("nothing was read of %+v", want)
	}
	g, w := *got, *want
	gd, wd := plain(t, g.Data, false), plain(t, w.Data, asJSON)
	g.Data, w.Data = adapter.Data{}, adapter.Data{}
	for _, m := range []*adapter.Message{&g, &w} {
		m.Rooms, m.Except, m.Names = append([]string{}, m.Rooms...), append([]string{}, m.Except...), append([]string{}, m.Names...)
		m.Positions = append([]adapter.Position{}, m.Positions...)
		for _, list := range [][]string{m.Rooms, m.Except, m.Names} {
			for i := range list {
				list[i] = strings.ToValidUTF8(list[i], "\uFFFD")
			}
		}
	}
	if !reflect.DeepEqual(g, w) {
		a, _ := json.Marshal(g)
		b, _ := json.Marshal(w)
		t.Fatalf("read\n%s\nwant\n%s", a, b)
	}
	if !reflect.DeepEqual(gd, wd) {
		t.Fatalf("read data\n%.2000v\nwant\n%.2000v", gd, wd)
	}
}
