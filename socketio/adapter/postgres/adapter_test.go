//go:build unix

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

func TestChannel(t *testing.T) {
	long := strings.Repeat("é", 40)
	for ns, want := range map[string]string{
		"/": "socket.io#/", `/a"b`: `socket.io#/a"b`, "/nul\x00": "socket.io#/nul\uFFFD", "/\xff": "socket.io#/\uFFFD",
		"/" + long: "socket.io#/" + strings.Repeat("é", 26), "/x" + long: "socket.io#/x" + strings.Repeat("é", 25), // as the server cuts: no half letters
	} {
		got := channel("socket.io", ns)
		if got != want || len(got) > 63 {
			t.Errorf("%q: %q, want %q", ns, got, want)
		}
	}
	if got := quoted(`a"b`); got != `"a""b"` {
		t.Error(got)
	}
	seen := map[string]bool{}
	for n := range uint32(4096) {
		seen[string(distinct(nil, n))] = true
	}
	if len(seen) != 4096 || len(strings.TrimSpace(string(distinct(nil, 77)))) != 0 {
		t.Errorf("%d of 4096 endings are distinct", len(seen))
	}
}

func (n *node) say(m adapter.Message) {
	n.t.Helper()
	m.From = n.id
	if err := n.Publish(&m); err != nil {
		n.t.Fatal(err)
	}
}

func said(s string) adapter.Data { return adapter.Data{Text: fmt.Appendf(nil, `["said",%q]`, s)} }

// Namespaces whose channels have one name hear their own messages only.
func TestSharedChannel(t *testing.T) {
	s, prefix := newServer(t)
	first, second := "/"+strings.Repeat("x", 80)+"1", "/"+strings.Repeat("x", 80)+"2"
	a := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, nil, first, second, "/")
	b := join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil, first, "/")
	c := join(t, "cccccccccccccccc", s.url(), prefix, nil, first, second, "/")
	for _, ns := range []string{first, second} {
		a.say(adapter.Message{Kind: adapter.Broadcast, NS: ns, Data: said(ns[81:])})
		a.say(adapter.Message{Kind: adapter.Broadcast, NS: ns, Data: said(strings.Repeat(ns[81:], 9000))})
	}
	a.say(adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: said("end")})
	count := func(n *node, ns string) (k int) {
		for _, m := range n.messages() {
			if strings.Contains(m, " "+ns+" ") {
				k++
			}
		}
		return k
	}
	for _, n := range []*node{b, c} {
		until(t, "the last arrives", func() bool { return count(n, "/") == 1 })
	}
	if count(b, first) != 2 || count(b, second) != 0 || count(c, first) != 2 || count(c, second) != 2 {
		t.Error(b.messages(), c.messages())
	}
	for ns, want := range map[string]int{first: 3, second: 2} {
		until(t, "the nodes of "+ns[81:]+" are counted", func() bool {
			n, err := a.Nodes(t.Context(), ns)
			return n == want && err == nil
		})
	}
	a.Interest(adapter.Interest{NS: first})
	c.say(adapter.Message{Kind: adapter.Broadcast, NS: second, Data: said("still")})
	until(t, "the other namespace is still heard", func() bool { return count(a, second) == 1 })
}

// Messages that are alike arrive as often as they were sent.
func TestAlike(t *testing.T) {
	s, prefix := newServer(t)
	a, b := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, nil), join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil)
	for range 500 {
		a.say(adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: said("again")})
	}
	until(t, "all arrive", func() bool { return len(b.messages()) == 500 })
}

// What is at the edge of a notification arrives, as one or as a row.
func TestEdge(t *testing.T) {
	s, prefix := newServer(t)
	a, b := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, nil), join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil)
	m := adapter.Message{Kind: adapter.Broadcast, NS: "/", From: a.id, Seq: 1, Data: said("")}
	b0, err := nodewire.AppendShared(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.do(t, "SELECT id FROM socket_io_attachments"))
	for over := -3; over <= 3; over++ {
		m.Data = said(strings.Repeat("x", room-len(b0)+over))
		m.Seq = uint64(over + 4)
		a.say(m)
	}
	until(t, "all arrive", func() bool { return len(b.messages()) == 7 })
	if rows := len(s.do(t, "SELECT id FROM socket_io_attachments")) - before; rows != 3 {
		t.Errorf("%d of them were rows, want 3", rows)
	}
}

// The table is made again when somebody drops it, and old rows go.
func TestTable(t *testing.T) {
	s, prefix := newServer(t)
	quickly := func(_ *Options, p *pace) { p.clean = 10 * time.Millisecond }
	a, b := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, nil), join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil)
	s.do(t, "DROP TABLE socket_io_attachments")
	a.burst(1, 9, "")
	b.hears(9)
	s.do(t, "INSERT INTO socket_io_attachments (created_at, payload) SELECT now() - interval '40 seconds', '' FROM generate_series(1, 50)")
	rows := func() int { return len(s.do(t, "SELECT id FROM socket_io_attachments")) }
	if n := rows(); n != 53 {
		t.Errorf("%d rows", n)
	}
	c := join(t, "cccccccccccccccc", s.url(), prefix, quickly)
	until(t, "old rows are deleted", func() bool {
		c.say(adapter.Message{Kind: adapter.Leave, NS: "/", Names: []string{"x"}})
		return rows() == 3
	})
	if got := b.heard(); !slices.Equal(got, sequence(1, 9)) {
		t.Error(got)
	}
}

// A role without rights to the table loses what needs it, and nothing else; a
// wrong password is a cause that does not tell it.
func TestRights(t *testing.T) {
	s, prefix := newServer(t)
	s.do(t, "CREATE ROLE secretive LOGIN PASSWORD 'pa#SECRET'")
	t.Cleanup(func() { s.do(t, "DROP ROLE secretive") })
	a := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, nil) // makes the table
	var log strings.Builder
	b := join(t, "bbbbbbbbbbbbbbbb", "postgres://secretive:pa%23SECRET@"+s.addr+"/postgres?sslmode=disable", prefix, func(o *Options, _ *pace) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	b.burst(1, 8, "")
	a.hears(8)
	if got := a.heard(); !slices.Equal(got, []int{1, 2, 4, 5, 7, 8}) {
		t.Error(got)
	}
	until(t, "what is refused is counted", func() bool { return b.Stats().Dropped["broadcast"] == 2 })
	a.burst(1, 4, "")
	b.hears(4)
	if got := b.heard(); !slices.Equal(got, []int{1, 2, 4}) {
		t.Error(got)
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "permission denied") || strings.Contains(text, "SECRET") {
		t.Error(text)
	}
	o := Options{URL: "postgres://secretive:noSECRET@" + s.addr + "/postgres?sslmode=disable", Prefix: prefix}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Adapter: c, t: t, malformed: map[string]int{}}
	if err := c.Start(t.Context(), adapter.Node{ID: "cccccccccccccccc"}, n); err != nil {
		t.Fatal(err)
	}
	until(t, "it says why", func() bool { // a server that is slow to answer is a cause, too
		cause := n.state().Cause
		return cause != nil && strings.Contains(cause.Error(), "password")
	})
	if text := n.state().Cause.Error(); strings.Contains(text, "SECRET") {
		t.Error(text)
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// A server of Node's is known in a namespace by whatever it says there, until it is
// silent or says goodbye.
func TestForeignNodes(t *testing.T) {
	s, prefix := newServer(t)
	quick := func(_ *Options, p *pace) {
		p.beat, p.dead = slow.Stretch(100*time.Millisecond), slow.Stretch(time.Second)
	}
	a := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, quick, "/", "/chat")
	join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, quick, "/chat")
	counts := func(want int) {
		t.Helper()
		until(t, fmt.Sprint(want, " nodes"), func() bool {
			n, err := a.Nodes(t.Context(), "/chat")
			return n == want && err == nil
		})
	}
	counts(2)
	foreign := func(what string) {
		s.do(t, "SELECT pg_notify($1, $2)", prefix+"#/chat", `{"uid":"00000000000000ff","nsp":"/chat",`+what+`}`)
	}
	patient := join(t, "cccccccccccccccc", s.url(), prefix, func(_ *Options, p *pace) { p.beat, p.dead = 100*time.Millisecond, time.Hour }, "/chat")
	counts(3)
	foreign(`"type":1`)
	counts(4)
	foreign(`"type":13`)
	counts(3)
	until(t, "who has said goodbye is gone, however patient one is", func() bool {
		n, err := patient.Nodes(t.Context(), "/chat")
		return n == 3 && err == nil
	})
	if err := patient.Close(context.Background()); err != nil {
		t.Error(err)
	}
	counts(2)
	foreign(`"type":5,"data":{"opts":{"rooms":[],"except":[]},"rooms":["x"]}`)
	counts(3)
	counts(2) // it says nothing any more
	s.do(t, "SELECT pg_notify($1, $2)", prefix+"#/chat", `{"uid":"emitter","type":3,"data":{"opts":{"rooms":[],"except":[]},"packet":{"type":2,"data":["x"]}}}`)
	until(t, "an emitter's event, which names no namespace, arrives", func() bool {
		return slices.Contains(a.messages(), `broadcast  /chat ["x"]`)
	})
	counts(2)
	for _, m := range a.messages() {
		if strings.HasPrefix(m, "hello") || strings.HasPrefix(m, "goodbye") {
			t.Error(m)
		}
	}
}
