//go:build unix

package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func streamsAt(t *testing.T, o Options, addrs ...string) *Adapter {
	t.Helper()
	o.Addrs = addrs
	a, err := NewStreams(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// kinds are one message of each, and what the others are told of it.
func kinds(from, to string, classic bool) (all []adapter.Message, want []string) {
	const q = "0123456789abcdef"
	add := func(m adapter.Message, s string) {
		all = append(all, m)
		want = append(want, strings.ReplaceAll(s, "FROM", from))
	}
	add(adapter.Message{Kind: adapter.Broadcast, Seq: 1 << 62, Data: text(`["x",1,{"a":null}]`)},
		`broadcast FROM / seq=L/4611686018427387904 ["x",1,{"a":null}]`)
	add(adapter.Message{Kind: adapter.Broadcast, Rooms: []string{"a#b"}, Except: []string{"c"}, Flags: adapter.Flags{Volatile: true}, Data: text(`["x"]`)},
		`broadcast FROM / to=["a#b"]-["c"] volatile ["x"]`)
	add(adapter.Message{Kind: adapter.Broadcast, Rooms: []string{"nobody", "b"}, Data: adapter.Data{
		Text: []byte(`["x",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2, 255}}}},
		`broadcast FROM / to=["nobody" "b"]-[] ["x",{"_placeholder":true,"num":0}] 0102ff`)
	add(adapter.Message{Kind: adapter.Join, Rooms: []string{"a"}, Names: []string{"b", "c"}}, `join FROM / to=["a"]-[] names=["b" "c"]`)
	add(adapter.Message{Kind: adapter.Leave, Names: []string{"b"}}, `leave FROM / names=["b"]`)
	add(adapter.Message{Kind: adapter.Disconnect, Except: []string{"a"}, Close: true}, `disconnect FROM / to=[]-["a"] close`)
	beside := func(m adapter.Message, s string) { add(m, s) }
	beside(adapter.Message{Kind: adapter.Hello, Seq: 5, Node: &adapter.Node{ID: from, Name: "one", Version: 1, Address: "http://x"},
		Positions: []adapter.Position{{NS: "/", Seq: 4}, {NS: "/é", Lane: 1, Seq: 1 << 63}}},
		`hello FROM / seq=L/5 node=FROM,one,1,http://x positions=[{/ 0 4} {/é 1 9223372036854775808}]`)
	beside(adapter.Message{Kind: adapter.Fetch, Request: q, Rooms: []string{"a"}}, `fetch FROM / request=`+q+` to=["a"]-[]`)
	beside(adapter.Message{Kind: adapter.ServerSide, Data: text(`["e",1]`)}, `server-side emit FROM / ["e",1]`)
	beside(adapter.Message{Kind: adapter.ServerSide, Request: q, Data: text(`["e"]`)}, `server-side emit FROM / request=`+q+` ["e"]`)
	beside(adapter.Message{Kind: adapter.Broadcast, Request: q, Data: text(`["x"]`), Flags: adapter.Flags{Timeout: time.Second}},
		`broadcast FROM / request=`+q+` ["x"]`)
	beside(adapter.Message{Kind: adapter.ClientCount, To: to, Request: q, Count: 3}, `client count FROM / request=`+q+` count=3`)
	beside(adapter.Message{Kind: adapter.ClientAck, To: to, Request: q, Data: text(`[1,"b"]`)}, `client ack FROM / request=`+q+` [1,"b"]`)
	beside(adapter.Message{Kind: adapter.FetchAnswer, To: to, Request: q, Data: text(`[{"id":"i","rooms":["i"],"data":{},"handshake":{}}]`)},
		`fetch answer FROM / request=`+q+` [{"id":"i","rooms":["i"],"data":{},"handshake":{}}]`)
	beside(adapter.Message{Kind: adapter.ServerSideAnswer, To: to, Request: q, Data: text(`[{"a":1}]`)}, `server-side answer FROM / request=`+q+` [{"a":1}]`)
	if classic {
		beside(adapter.Message{Kind: adapter.IDs, Request: q}, `ids FROM / request=`+q)
		beside(adapter.Message{Kind: adapter.Rooms, Request: q}, `rooms FROM / request=`+q)
		beside(adapter.Message{Kind: adapter.RoomsAnswer, To: to, Request: q, Data: text(`["a","b"]`)}, `rooms answer FROM / request=`+q+` ["a","b"]`)
	}
	beside(adapter.Message{Kind: adapter.Goodbye}, `goodbye FROM /`)
	return all, want
}

// Two nodes exchange every kind, each way, and get them in order: all in one
// order with the classic adapter, each lane's with streams.
func TestEveryKind(t *testing.T) {
	for _, name := range []string{"classic", "streams", "four streams"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			var a, b *node
			if name == "classic" {
				a, b = join(t, classicAt(t, Options{}, s.addr), "aaaaaa"), join(t, classicAt(t, Options{}, s.addr), "bbbbbb")
			} else {
				n := map[string]int{"streams": 1, "four streams": 4}[name]
				a = join(t, streamsAt(t, Options{Streams: n}, s.addr), "aaaaaaaaaaaaaaaa")
				b = join(t, streamsAt(t, Options{Streams: n}, s.addr), "bbbbbbbbbbbbbbbb")
			}
			for _, way := range [][2]*node{{a, b}, {b, a}} {
				from, to := way[0], way[1]
				all, want := kinds(from.id, to.id, name == "classic")
				lanes := map[string]uint32{}
				for i, m := range all {
					from.publish(m)
					lane := from.Lane(&m)
					want[i] = strings.ReplaceAll(want[i], "seq=L/", "seq="+string(rune('0'+lane))+"/")
					lanes[want[i]] = lane
				}
				until(t, "all arrive", func() bool { return len(to.messages()) >= len(want) })
				got := to.messages()
				if from.Traits().Ordered && !slices.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				for lane := range uint32(2) {
					of := func(list []string) []string {
						return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return lanes[s] != lane })
					}
					if !slices.Equal(of(got), of(want)) {
						t.Errorf("lane %d: got\n%s\nwant\n%s", lane, strings.Join(of(got), "\n"), strings.Join(of(want), "\n"))
					}
				}
				if len(to.malformed)+len(from.malformed) > 0 {
					t.Error(to.malformed, from.malformed)
				}
			}
			if n, err := a.Nodes(t.Context(), "/"); n != 2 || err != nil {
				t.Error(n, err)
			}
			if st := a.Stats(); st.Published != st.Received-uint64(len(b.messages())) && st.Skipped == 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// A broadcast to a room that nobody here is in is not read, but for its number.
func TestRoomsWithoutMembers(t *testing.T) {
	s := newServer(t)
	a, b := pair(t, s)
	a.publish(adapter.Message{Kind: adapter.Broadcast, Seq: 3, Rooms: []string{"nobody"}, Data: text(`["x"]`)})
	a.publish(adapter.Message{Kind: adapter.Broadcast, Seq: 4, Rooms: []string{"a"}, Data: text(`["x"]`)})
	until(t, "both arrive", func() bool { return len(b.messages()) == 2 })
	want := []string{`broadcast aaaaaa / skipped seq=0/3`, `broadcast aaaaaa / seq=0/4 to=["a"]-[] ["x"]`}
	if got := b.messages(); !slices.Equal(got, want) {
		t.Error(got)
	}
}

// Namespaces come and go: each is counted once, by all who have it, and heard as
// long as it is there. Characters that mean something in patterns mean nothing.
func TestNamespaces(t *testing.T) {
	for _, name := range []string{"classic", "streams"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			o := Options{Prefix: `p*[a-z]?\`}
			at := classicAt
			ids := []string{"aaaaaa", "bbbbbb"}
			if name == "streams" {
				at, ids = streamsAt, []string{"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"}
			}
			a, b := join(t, at(t, o, s.addr), ids[0]), join(t, at(t, o, s.addr), ids[1])
			other := join(t, at(t, Options{Prefix: `pxxb?\`}, s.addr), ids[1]) // matches that as a pattern
			for _, ns := range []string{"/é", "/a*[b]", "/a#b", "/admin"} {
				count := func(n *node, want int) {
					t.Helper()
					if got, err := n.Nodes(t.Context(), ns); got != want || err != nil {
						t.Errorf("%s: %d nodes, %v; want %d", ns, got, err, want)
					}
				}
				count(a, 0)
				a.Interest(adapter.Interest{NS: ns, On: true}, adapter.Interest{NS: ns, On: true}, adapter.Interest{NS: ns, Room: "r", On: true})
				count(a, 1)
				b.Interest(adapter.Interest{NS: ns, On: true})
				other.Interest(adapter.Interest{NS: ns, On: true})
				count(b, 2)
				count(a, 2)
				before := len(b.messages())
				a.publish(adapter.Message{Kind: adapter.Broadcast, NS: ns, Data: text(`["x"]`)})
				a.publish(adapter.Message{Kind: adapter.Broadcast, NS: ns, Rooms: []string{"r#"}, Data: text(`["y"]`)})
				a.publish(adapter.Message{Kind: adapter.Join, NS: ns, Names: []string{"n"}})
				want := []string{"broadcast " + a.id + " " + ns + ` ["x"]`, "broadcast " + a.id + " " + ns + ` to=["r#"]-[] ["y"]`,
					"join " + a.id + " " + ns + ` names=["n"]`}
				until(t, "all arrive", func() bool { return len(b.messages()) >= before+3 })
				if got := b.messages()[before:]; !slices.Equal(got, want) {
					t.Errorf("%s: %q", ns, got)
				}
				a.Interest(adapter.Interest{NS: ns, On: false})
				until(t, "one is left", func() bool {
					n, err := b.Nodes(t.Context(), ns)
					return n == 1 && err == nil
				})
				b.Interest(adapter.Interest{NS: ns, On: false}, adapter.Interest{NS: ns, On: true}, adapter.Interest{NS: ns, On: false}, adapter.Interest{NS: ns, On: true})
				count(b, 1)
			}
			if got := other.messages(); len(got) > 0 {
				t.Errorf("the other cluster hears %q", got)
			}
		})
	}
}

// However often a namespace comes and goes, no more than its last state waits to
// be told.
func TestChanges(t *testing.T) {
	for _, test := range []struct {
		steps string
		want  change
	}{{"+", come}, {"+-", 0}, {"-", gone}, {"-+", gone | come}, {"-+-", gone}, {"-+-+", gone | come}, {"+-+", come}} {
		var c change
		for _, step := range test.steps {
			c = c.then(step == '+')
		}
		if c != test.want {
			t.Errorf("%s: %b, want %b", test.steps, c, test.want)
		}
	}
}

// What others put on the channels, by mistake or not, harms nobody.
func TestPoison(t *testing.T) {
	deep := strings.Repeat("\x91", 5000)
	bad := []string{"", "\xc1\xff\x00", "x", "{", "{}", "[]", "null", "\x91", "\x93\xa1a\x80\x80", "\x94", "\xdd\xff\xff\xff\xff", deep, strings.Repeat("[", 5000),
		`{"uid":"zzzzzz","type":99,"requestId":"a"}`, `{"uid":"x","nsp":"/","type":3}`, `{"type":5}`, `{"uid":"aaaaaa","type":2,"rooms":"no"}`,
		"\x93\xa6zzzzzz\x83\xa4type\x03\xa4data\x91\xa1x\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80",
		strings.Repeat("x", 2_000_000)}
	for _, name := range []string{"classic", "streams"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			o := Options{MaxMessage: 1_000_000}
			var a, b *node
			if name == "classic" {
				a, b = join(t, classicAt(t, o, s.addr), "aaaaaa"), join(t, classicAt(t, o, s.addr), "bbbbbb")
			} else {
				a, b = join(t, streamsAt(t, o, s.addr), "aaaaaaaaaaaaaaaa"), join(t, streamsAt(t, o, s.addr), "bbbbbbbbbbbbbbbb")
			}
			channels := append(b.Adapter.(*Adapter).form.channels("/"), "socket.io#/#", "socket.io#/#room#", "socket.io##", "socket.io#", "socket.io#/#a#b#c#", b.Adapter.(*Adapter).probeChannel())
			for _, c := range channels {
				for _, p := range bad {
					s.do("PUBLISH", c, p)
				}
			}
			for _, p := range bad {
				s.do("XADD", "socket.io", "*", "uid", "zzzzzzzzzzzzzzzz", "nsp", "/", "type", "3", "data", p)
				s.do("XADD", "socket.io", "*", "uid", p, "nsp", p, "type", p)
				s.do("XADD", "socket.io", "*", "data", p, "x"+p, p)
			}
			a.publish(adapter.Message{Kind: adapter.Broadcast, Data: text(`["after"]`)})
			a.publish(adapter.Message{Kind: adapter.ServerSide, Data: text(`["after"]`)})
			until(t, "what follows arrives", func() bool {
				all := strings.Join(b.messages(), "\n")
				return strings.Contains(all, "broadcast "+a.id) && strings.Contains(all, "server-side emit "+a.id)
			})
			for _, m := range b.messages() {
				if !strings.Contains(m, "after") && m != "heartbeat aaaaaa /" { // which one of them is, to streams
					t.Errorf("told of %q", m)
				}
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.malformed["parse"] == 0 || b.malformed["size"] == 0 {
				t.Errorf("counted: %v", b.malformed)
			}
			for why := range b.malformed {
				if !slices.ContainsFunc(adapter.Reasons, func(r [2]string) bool { return r[0] == why }) {
					t.Errorf("%q is no reason", why)
				}
			}
			if len(b.states) != 1 {
				t.Errorf("states %v", b.states)
			}
		})
	}
}

func TestTooLargeAndClosed(t *testing.T) {
	a := classicAt(t, Options{MaxMessage: 1000}, "127.0.0.1:1")
	m := &adapter.Message{Kind: adapter.Broadcast, From: "aaaaaa", NS: "/", Data: text(`["` + strings.Repeat("x", 1000) + `"]`)}
	if err := a.Publish(m); !errors.Is(err, adapter.ErrTooLarge) {
		t.Error(err)
	}
	if err := streamsAt(t, Options{}, "127.0.0.1:1").Publish(&adapter.Message{Kind: adapter.Rooms, From: "aaaaaaaaaaaaaaaa", NS: "/", Request: "0123456789abcdef"}); !errors.Is(err, adapter.ErrNoSuchKind) {
		t.Error(err)
	}
	m.Data = text(`["x"]`)
	if err := a.Publish(m); err != nil {
		t.Error(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := a.Publish(m); !errors.Is(err, adapter.ErrClosed) {
		t.Error(err)
	}
	if st := a.Stats(); st.Dropped["broadcast"] != 2 || st.Queued != 0 {
		t.Errorf("%+v", st)
	}
}

// Close sends what is queued, and waits for a server no longer than it is told to.
func TestClose(t *testing.T) {
	s := newServer(t)
	a, b := pair(t, s)
	a.burst(1, 3000)
	a.publish(adapter.Message{Kind: adapter.Goodbye})
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	until(t, "the last word arrives", func() bool { return slices.Contains(b.messages(), "goodbye aaaaaa /") })
	if n := len(b.messages()); n != 3001 {
		t.Errorf("%d messages", n)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	s.kill()
	until(t, "the loss is told", func() bool { return !b.up() })
	_ = b.Publish(&adapter.Message{Kind: adapter.Goodbye, From: "bbbbbb", NS: "/"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if st := b.Stats(); st.Dropped["vital"] == 0 || st.Queued != 0 {
		t.Errorf("%+v", st)
	}
}
