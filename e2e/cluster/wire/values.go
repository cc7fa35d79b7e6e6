package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// kinds are those that Node knows, and our own, which it must not mind.
var kinds = []adapter.Kind{adapter.Broadcast, adapter.Join, adapter.Leave, adapter.Disconnect, adapter.Fetch, adapter.FetchAnswer, adapter.ServerSide, adapter.ServerSideAnswer,
	adapter.ClientCount, adapter.ClientAck, adapter.Hello, adapter.Heartbeat, adapter.Goodbye, adapter.Has, adapter.HasAnswer}

type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

func (g generator) name() string {
	return pick(g, "a", "room1", "", "5", "é日本😀", `quo"te\`, "x#y", "#", "line\nbreak\x00", strings.Repeat("n", 300), "socket-id-of-20-chars")
}

func (g generator) names() []string {
	list := []string{}
	seen := map[string]bool{} // Node makes sets of them
	for range g.IntN(4) {
		if s := g.name(); !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	return list
}

// value makes a value of what JavaScript has.
func (g generator) value(depth int) any {
	n := g.IntN(16)
	if depth == 0 {
		n = g.IntN(11)
	}
	switch n {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return pick[int64](g, 0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296, 4294967297, 9007199254740991,
			-32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -4294967296, -9007199254740991)
	case 3:
		return pick(g, 0.1, -0.1, 1.5e-7, 5e-324, 3.5, 16777217.5, -123456789.125, 4503599627370495.5, 1e21, 1e300, 18446744073709551616.0, 9223372036854775808.0, -1e21)
	case 4, 5:
		return g.name()
	case 6:
		return strings.Repeat("x", pick(g, 31, 32, 255, 256, 70_000))
	case 7, 8:
		return []byte(strings.Repeat("\x00\xff", pick(g, 0, 1, 127, 128, 32768)))
	case 9:
		return map[string]any{"type": "Buffer", "data": []any{1, 2, 3}, "$bin": "00"}
	case 10:
		return time.UnixMilli(g.Int64N(1 << 42)).UTC().Format("2006-01-02T15:04:05.000Z")
	case 11, 12:
		list := []any{}
		for range pick(g, 0, 1, 3, 15, 16, 20) {
			list = append(list, g.value(depth-1))
		}
		return list
	case 13:
		var v any = "end"
		for i := range 60 {
			if v = any(map[string]any{"d": v}); i%2 == 1 {
				v = []any{v.(map[string]any)["d"]}
			}
		}
		return v
	}
	m := map[string]any{}
	for i := range pick(g, 0, 1, 3, 15, 16, 300) {
		m[pick(g, "", "é", "a b", "1", "日本", "constructor", fmt.Sprint("k", i))] = g.value(min(depth-1, 1))
	}
	return m
}

// encoded is a list as the server encodes it.
func encoded(values []any) (d adapter.Data) {
	text, err := json.Marshal(replace(values, func(b []byte) any {
		d.Attachments = append(d.Attachments, b)
		return map[string]any{"_placeholder": true, "num": len(d.Attachments) - 1}
	}))
	if err != nil {
		log.Fatal(err)
	}
	d.Text = text
	return d
}

// replace returns v with something else in the place of binaries.
func replace(v any, f func(b []byte) any) any {
	switch v := v.(type) {
	case []byte:
		return f(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = replace(v[i], f)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			m[k] = replace(v[k], f)
		}
		return m
	}
	return v
}

func hexOf(b []byte) any { return map[string]any{"$$hex": hex.EncodeToString(b)} }

// bufferOf is what JSON.stringify makes of a Buffer.
func bufferOf(b []byte) any {
	list := make([]any, len(b))
	for i := range b {
		list[i] = b[i]
	}
	return map[string]any{"type": "Buffer", "data": list}
}

// withHex is data as text, with binaries in their places.
func withHex(d adapter.Data) []byte {
	if len(d.Attachments) == 0 {
		return d.Text
	}
	var v any
	if err := json.Unmarshal(d.Text, &v); err != nil {
		log.Fatal(err)
	}
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			if n, ok := v["num"].(float64); ok && v["_placeholder"] == true && len(v) == 2 {
				return hexOf(d.Attachments[int(n)])
			}
			for k := range v {
				v[k] = walk(v[k])
			}
		}
		return v
	}
	text, err := json.Marshal(walk(v))
	if err != nil {
		log.Fatal(err)
	}
	return text
}

// message makes a message and what Node is to understand; nil if nothing.
func (g generator) message(k adapter.Kind, classic bool) (*adapter.Message, map[string]any) {
	id := func() string { return fmt.Sprintf("%016x", g.Uint64()) }
	m := &adapter.Message{Kind: k, From: id(), NS: pick(g, "/", "/chat", "/a#b"), Seq: g.Uint64(), Lane: uint32(g.IntN(2))}
	binaries := hexOf
	if classic && k != adapter.Broadcast && k != adapter.ClientAck {
		binaries = bufferOf
	}
	values := func(first ...any) []any {
		for range g.IntN(4) {
			first = append(first, g.value(3))
		}
		m.Data = encoded(append([]any{}, first...))
		list, _ := replace(append([]any{}, first...), binaries).([]any)
		return list
	}
	target := func(flags bool) map[string]any {
		m.Rooms, m.Except = g.names(), g.names()
		opts := map[string]any{"rooms": m.Rooms, "except": m.Except}
		if flags {
			f := map[string]any{}
			if m.Flags.Volatile = g.IntN(2) == 0; m.Flags.Volatile {
				f["volatile"] = true
			}
			if m.Flags.NoCompress = g.IntN(2) == 0; m.Flags.NoCompress {
				f["compress"] = false
			}
			if m.Request != "" {
				m.Flags.Timeout = 1500 * time.Millisecond
				f["timeout"] = 1500
			}
			opts["flags"] = f
		} else if !classic {
			opts["flags"] = map[string]any{}
		}
		return opts
	}
	first := func(list []any) any {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	if k.Answers() {
		m.To, m.Request, m.Seq, m.Lane = id(), id(), 0, 0
	}
	switch k {
	case adapter.Broadcast:
		name := "broadcast"
		if g.IntN(2) == 0 {
			m.Request, name = id(), "broadcast with ack"
		}
		opts := target(true)
		if classic && m.Request != "" {
			delete(opts, "flags") // Node does not hand them on
		}
		return m, map[string]any{"kind": name, "ns": m.NS, "packet": map[string]any{"type": 2, "nsp": m.NS, "data": values("event")}, "opts": opts}
	case adapter.Join, adapter.Leave:
		m.Names = g.names()
		return m, map[string]any{"kind": k.String(), "ns": m.NS, "opts": target(false), "rooms": m.Names}
	case adapter.Disconnect:
		m.Close = g.IntN(2) == 0
		return m, map[string]any{"kind": "disconnect", "ns": m.NS, "opts": target(false), "close": m.Close}
	case adapter.Fetch:
		m.Request = id()
		return m, map[string]any{"kind": "fetch", "ns": m.NS, "opts": target(false)}
	case adapter.ServerSide:
		if g.IntN(2) == 0 {
			m.Request = id()
		}
		return m, map[string]any{"kind": "server-side emit", "ns": m.NS, "args": values("event"), "ack": m.Request != ""}
	case adapter.FetchAnswer:
		sockets := []any{}
		for range 1 + g.IntN(2) {
			sockets = append(sockets, map[string]any{"id": id(), "rooms": []any{"a", g.name()}, "data": g.value(2), "handshake": map[string]any{"auth": g.value(1), "headers": map[string]any{}}})
		}
		m.Data = encoded(sockets)
		return m, map[string]any{"kind": k.String(), "values": replace(sockets, binaries)}
	case adapter.ServerSideAnswer, adapter.ClientAck:
		return m, map[string]any{"kind": k.String(), "values": []any{first(values())}}
	case adapter.ClientCount:
		m.Count = g.IntN(1000)
		return m, map[string]any{"kind": k.String(), "values": []any{m.Count}}
	case adapter.Has:
		m.Request = id()
	case adapter.HasAnswer:
		m.Count = 1
	case adapter.Hello, adapter.Heartbeat:
		m.NS = "/"
		m.Node = &adapter.Node{ID: m.From, Name: g.name(), Version: 1}
		m.Positions = []adapter.Position{{NS: "/chat", Lane: 3, Seq: g.Uint64()}}
	}
	return m, nil
}
