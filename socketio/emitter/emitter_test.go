package emitter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/emitter"
)

func TestMain(m *testing.M) { leak.Main(m) }

// ear is a node's inbox.
type ear struct {
	mu  sync.Mutex
	got []string
}

func (e *ear) Message(m *adapter.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, fmt.Sprintf("%s %s %s %v-%v %v%v %v %s %x seq=%d", m.Kind, m.From, m.NS, m.Rooms, m.Except, m.Flags, m.Close, m.Names, append(m.Data.Text, '.'), m.Data.Attachments, m.Seq))
}
func (e *ear) Wants(string, string) bool { return true }
func (e *ear) Malformed(string)          {}
func (e *ear) State(adapter.State)       {}

func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(slow.Stretch(10 * time.Second)); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// What an emitter says is what a node would say, without a number and by nobody's
// name; it says nothing else, and hears nothing.
func TestEmitter(t *testing.T) {
	bus := adaptertest.NewBus()
	node := bus.Adapter("node")
	var in ear
	node.Interest(adapter.Interest{NS: "/", On: true}, adapter.Interest{NS: "/news", On: true})
	if err := node.Start(t.Context(), adapter.Node{ID: "0123456789abcdef"}, &in); err != nil {
		t.Fatal(err)
	}
	defer node.Close(context.Background())
	e, err := emitter.New(bus.Adapter("emitter"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the connection", func() bool { return e.State().Connection == adapter.Up })
	base := e.Of("news").To("a")
	for _, err := range []error{
		e.Emit("x", 1, []byte{1, 2}, map[string]any{"deep": []byte{3}}),
		base.To("b").Except("c").Volatile().Compress(false).Emit("y"),
		base.Emit("z", time.Unix(0, 0)),
		base.SocketsJoin("r", "s"),
		base.SocketsLeave("r"),
		base.Except("c").DisconnectSockets(true),
		base.Volatile().ServerSideEmit("tell", nil, "disconnect"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	for want, err := range map[string]error{
		"no event":   e.Emit("disconnect"),
		"argument 1": e.Emit("x", make(chan int)),
		"comes from": emitter.Target{}.Emit("x"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := node.Publish(&adapter.Message{Kind: adapter.Broadcast, From: "0123456789abcdef", NS: "/", Data: adapter.Data{Text: []byte(`["loud"]`)}}); err != nil {
		t.Error(err)
	}
	if err := e.Close(context.Background()); err != nil {
		t.Error(err)
	}
	want := []string{
		`broadcast emitter / []-[] {false false 0s}false [] ["x",1,{"_placeholder":true,"num":0},{"deep":{"_placeholder":true,"num":1}}]. [0102 03] seq=0`,
		`broadcast emitter /news [a b]-[c] {true true 0s}false [] ["y"]. [] seq=0`,
		`broadcast emitter /news [a]-[] {false false 0s}false [] ["z","1970-01-01T00:00:00.000Z"]. [] seq=0`,
		`join emitter /news [a]-[] {false false 0s}false [r s] . [] seq=0`,
		`leave emitter /news [a]-[] {false false 0s}false [r] . [] seq=0`,
		`disconnect emitter /news [a]-[c] {false false 0s}true [] . [] seq=0`,
		`server-side emit emitter /news []-[] {false false 0s}false [] ["tell",null,"disconnect"]. [] seq=0`,
	}
	until(t, "all of it", func() bool { return len(in.heard()) >= len(want) })
	for i, got := range in.heard() {
		if i >= len(want) || got != want[i] {
			t.Errorf("%d: %s", i, got)
		}
	}
	if err := e.Emit("late"); !errors.Is(err, adapter.ErrClosed) {
		t.Error(err)
	}
}
