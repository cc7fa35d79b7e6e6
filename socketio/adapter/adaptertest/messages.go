package adaptertest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// twoBinaries is a list with two values apart.
func twoBinaries(first string) adapter.Data {
	return adapter.Data{
		Text:        []byte(`["` + first + `",{"a":{"_placeholder":true,"num":0},"b":[1,null,"ü",-2.5,true]},{"_placeholder":true,"num":1}]`),
		Attachments: [][]byte{{0, 1, 2, 0xff}, []byte("more")},
	}
}

const fetched = `[{"id":"0123456789abcdefghij","handshake":{"headers":{"user-agent":"x"},"time":"Sat Nov 28 2026 12:00:00 GMT+0000","address":"192.0.2.1",` +
	`"xdomain":false,"secure":true,"issued":1795867200000,"url":"/socket.io/?EIO=4","query":{"EIO":"4"},"auth":{"token":"t"}},"rooms":["0123456789abcdefghij","a b"],"data":{"name":"Ann"}}]`

// exchange is a message from one node, and what the other answers.
type exchange struct {
	m       adapter.Message
	answers []adapter.Message
}

// exchanges has every kind, with all that it may carry.
func exchanges(ns string) []exchange {
	type message = adapter.Message
	rooms, except := []string{"r1", "r2"}, []string{"x1"}
	node := &adapter.Node{ID: "", Name: "web-1", Version: 1, Address: "http://192.0.2.1:3000"}
	positions := []adapter.Position{{NS: "/", Seq: 1<<63 - 1}, {NS: "/chat", Lane: 7, Seq: 3}}
	list := []exchange{
		{m: message{Kind: adapter.Broadcast, Data: event("to all")}},
		{m: message{Kind: adapter.Broadcast, Rooms: rooms[:1], Data: event("to one room")}},
		{m: message{Kind: adapter.Broadcast, Rooms: rooms, Except: except, Data: twoBinaries("binary"), Flags: adapter.Flags{Volatile: true, NoCompress: true}}},
		{m: message{Kind: adapter.Broadcast, Except: except, Data: event("asked"), Request: "?", Flags: adapter.Flags{Timeout: 1500 * time.Millisecond}},
			answers: []message{{Kind: adapter.ClientCount, Count: 3}, {Kind: adapter.ClientAck, Data: adapter.Data{Text: []byte(`["yes"]`)}},
				{Kind: adapter.ClientAck, Data: twoBinaries("with more than one value")}}},
		{m: message{Kind: adapter.Join, Rooms: rooms, Except: except, Names: []string{"n1", "n2"}}},
		{m: message{Kind: adapter.Leave, Rooms: rooms[:1], Names: []string{"n1"}}},
		{m: message{Kind: adapter.Join, Names: []string{"n1"}}},
		{m: message{Kind: adapter.Disconnect, Rooms: rooms, Except: except, Close: true}},
		{m: message{Kind: adapter.Disconnect, Rooms: rooms[:1]}},
		{m: message{Kind: adapter.Fetch, Rooms: rooms, Except: except, Request: "?"},
			answers: []message{{Kind: adapter.FetchAnswer, Data: adapter.Data{Text: []byte(fetched)}}}},
		{m: message{Kind: adapter.ServerSide, Data: adapter.Data{Text: []byte(`["news",{"a":[1,"ü"]},null]`)}}},
		{m: message{Kind: adapter.ServerSide, Data: event("asked"), Request: "?"},
			answers: []message{{Kind: adapter.ServerSideAnswer, Data: adapter.Data{Text: []byte(`["one",{"two":2}]`)}}}},
		{m: message{Kind: adapter.IDs, Rooms: rooms, Except: except, Request: "?"},
			answers: []message{{Kind: adapter.IDsAnswer, Data: adapter.Data{Text: []byte(`["0123456789abcdefghij","x"]`)}}}},
		{m: message{Kind: adapter.Rooms, Request: "?"},
			answers: []message{{Kind: adapter.RoomsAnswer, Data: adapter.Data{Text: []byte(`["r1","r2"]`)}}}},
		{m: message{Kind: adapter.Has, Request: "?"}, answers: []message{{Kind: adapter.HasAnswer, Count: 1}}},
	}
	for i := range list {
		list[i].m.NS = ns
		list[i].m.Seq = 1<<63 - 1 - uint64(i)
		if list[i].m.Request != "" {
			list[i].m.Request = fmt.Sprintf("%016x", 0xfedcba9876543210-uint64(i))
		}
	}
	if ns == "/" {
		list = append(list,
			exchange{m: message{Kind: adapter.Hello, NS: ns, Node: node, Positions: positions}},
			exchange{m: message{Kind: adapter.Heartbeat, NS: ns, Node: node, Positions: positions}},
			exchange{m: message{Kind: adapter.Heartbeat, NS: ns, Node: node}},
			exchange{m: message{Kind: adapter.Goodbye, NS: ns}})
	}
	return list
}

// kinds: every kind arrives as it was sent, and so do the answers.
func (s *suite) kinds() {
	all := s.nodes(2)
	a, b := all[0], all[1]
	for _, ns := range []string{"/", "/chat"} {
		for _, p := range all {
			p.a.Interest(adapter.Interest{NS: ns, On: true}, adapter.Interest{NS: ns, Room: "r1", On: true}, adapter.Interest{NS: ns, Room: "r2", On: true})
		}
		s.meet(ns, all...)
		s.reach(a, b, adapter.Message{Kind: adapter.Broadcast, NS: ns, Rooms: []string{"r1"}})
		for _, x := range exchanges(ns) {
			s.exchange(a, b, x)
		}
	}
	s.t.Logf("%s: %+v", a.a.Traits().Name, a.a.Stats())
}

func (s *suite) exchange(a, b *peer, x exchange) {
	s.t.Helper()
	if x.m.Node != nil {
		n := *x.m.Node
		n.ID, x.m.Node = a.id, &n
	}
	if err := a.try(&x.m); errors.Is(err, adapter.ErrNoSuchKind) && s.optional(x.m.Kind) {
		return
	} else if err != nil {
		s.t.Errorf("Publish of %s: %v", x.m.Kind, err)
		return
	}
	s.arrives(b, &x.m)
	for _, answer := range x.answers {
		answer.NS, answer.To, answer.Request = x.m.NS, a.id, x.m.Request
		if err := b.try(&answer); err != nil {
			s.t.Errorf("Publish of %s: %v", answer.Kind, err)
			return
		}
		s.arrives(a, &answer)
	}
}

// optional are those that not every format has a word for.
func (s *suite) optional(k adapter.Kind) bool {
	switch k {
	case adapter.Rooms:
		return !s.traits().AllRooms
	case adapter.IDs, adapter.Has:
		return true
	}
	return false
}

func (s *suite) traits() adapter.Traits { return s.Adapter().Traits() }

// arrives waits for the message, and has it be as it was. It is taken out.
func (s *suite) arrives(p *peer, want *adapter.Message) {
	s.t.Helper()
	got := p.next(want.Kind.String(), func(m *adapter.Message) bool { return m.Kind == want.Kind && m.Request == want.Request })
	if d := difference(got, want); d != "" {
		s.t.Errorf("%s has changed on the way: %s", want.Kind, d)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = nil
}

// odd are names that a channel's or a subject's may not be made of.
var odd = []string{
	"a b", "*", ">", "a.b", "a.*.>", "#", "a#b#", "?x=[y]", `quote"back\slash`, "line\nbreak", "tab\t", "\u2028", "ü✓𝄞", "nul\x00", "null", "0", " ",
	"{hash}tag", "$SYS.x", "%s", strings.Repeat("long", 200),
}

// names: rooms and namespaces of any name.
func (s *suite) names() {
	all := s.nodes(2)
	for _, name := range odd {
		m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{name}, Except: []string{name}, Data: event(name)}
		for _, p := range all {
			p.a.Interest(adapter.Interest{NS: "/", Room: name, On: true})
		}
		s.reach(all[0], all[1], m)
		s.exchange(all[0], all[1], exchange{m: m})
		s.exchange(all[0], all[1], exchange{m: adapter.Message{Kind: adapter.Join, NS: "/", Rooms: []string{"x", "y"}, Names: []string{name}}})
		if strings.ContainsAny(name, ",?") { // no client can ask for these
			continue
		}
		ns := "/" + name
		for _, p := range all {
			p.a.Interest(adapter.Interest{NS: ns, On: true})
		}
		s.meet(ns, all...)
		s.exchange(all[0], all[1], exchange{m: adapter.Message{Kind: adapter.Broadcast, NS: ns, Data: event(name)}})
		s.exchange(all[0], all[1], exchange{m: adapter.Message{Kind: adapter.Leave, NS: ns, Names: []string{name}}})
	}
}

// large: a message of some megabytes arrives, one that is too large is refused.
func (s *suite) large() {
	all := s.nodes(2)
	size := 2 << 20
	most := s.traits().MaxMessage
	if most > 0 {
		size = min(size, most/2)
	}
	for _, d := range []adapter.Data{
		event(strings.Repeat("x", size)),
		{Text: []byte(`["binary",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{bytes.Repeat([]byte{0xff}, size)}},
	} {
		// What was sent may be in the sender's hands still, when it has arrived.
		all[0].until("the queue is empty", func() bool { return all[0].a.Stats().Queued == 0 })
		s.exchange(all[0], all[1], exchange{m: adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: d}})
	}
	if most > 0 {
		m := &adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: event(strings.Repeat("x", most+1))}
		if err := all[0].try(m); !errors.Is(err, adapter.ErrTooLarge) {
			s.t.Errorf("Publish of more than MaxMessage: %v", err)
		}
	}
	s.fence(all[0], all[1], adapter.Message{Kind: adapter.Broadcast, NS: "/"})
}

// copies: the message is the server's again after Publish.
func (s *suite) copies() {
	all := s.nodes(2)
	for i := range 50 {
		m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{"r1", "r2"}, Except: []string{"x"}, Data: twoBinaries(fmt.Sprint(i))}
		want := clone(&m)
		want.From = all[0].id
		all[0].publish(&m)
		want.Lane = m.Lane
		destroy(&m)
		s.arrives(all[1], want)
	}
}
