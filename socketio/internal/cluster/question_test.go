package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// counting is a silent Adapter whose broker counts.
type counting struct {
	silent
	nodes atomic.Int32 // that have any namespace; negative: the broker is away
}

func (a *counting) Nodes(context.Context, string) (int, error) {
	n := int(a.nodes.Load())
	if n < 0 {
		return 0, errors.New("away")
	}
	return n, nil
}

// ear notes what an Asker is told.
type ear struct {
	got  []string
	done []Left
}

func (e *ear) Answer(m *adapter.Message) { e.got = append(e.got, fmt.Sprint(m.From, m.Kind)) }
func (e *ear) Done(l Left)               { e.done = append(e.done, l) }

// asking runs f in fake time with nodes a, b and c known by name.
func asking(t *testing.T, a adapter.Adapter, base *silent, f func(t *testing.T, c *Core, in adapter.Inbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Adapter: a, Host: new(host), Heartbeat: 5 * time.Second, Dead: 10 * time.Second, Questions: 3})
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		c.Interest(adapter.Interest{NS: "/", On: true})
		for _, id := range []string{"a", "b", "c"} {
			base.in.Message(&adapter.Message{Kind: adapter.Hello, From: id, NS: "/", Node: &adapter.Node{Name: "node " + id}})
		}
		f(t, c, base.in)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := c.questions.len(); n != 0 {
			t.Errorf("%d questions are left behind", n)
		}
	})
}

func ask(t *testing.T, c *Core, k adapter.Kind) (*Question, *ear) {
	t.Helper()
	e := new(ear)
	q, err := c.Ask(&adapter.Message{Kind: k, NS: "/"}, e)
	if err != nil {
		t.Fatal(err)
	}
	return q, e
}

func TestNamedAnswers(t *testing.T) {
	a := new(silent)
	asking(t, a, a, func(t *testing.T, c *Core, in adapter.Inbox) {
		q, e := ask(t, c, adapter.Fetch)
		answer := func(from string) {
			in.Message(&adapter.Message{Kind: adapter.FetchAnswer, From: from, NS: "/", Request: q.id})
		}
		answer("a")
		answer("a")                                                                              // again
		in.Message(&adapter.Message{Kind: adapter.ClientAck, From: "b", NS: "/", Request: q.id}) // of another kind
		if len(e.got) != 1 || len(e.done) != 0 {
			t.Fatalf("got %v, done %v", e.got, e.done)
		}
		in.Message(&adapter.Message{Kind: adapter.Goodbye, From: "b", NS: "/"}) // it has nothing left to tell
		time.Sleep(11 * time.Second)                                            // c is silent
		synctest.Wait()
		if len(e.done) != 1 || e.done[0].Some != 1 || !slices.Equal(e.done[0].Nodes, []string{"node c"}) {
			t.Errorf("done %+v", e.done)
		}
		answer("c")
		if c.Stats().Late != 1 {
			t.Errorf("%d late", c.Stats().Late)
		}

		// Nobody is left to ask.
		in.Message(&adapter.Message{Kind: adapter.Goodbye, From: "a", NS: "/"})
		if _, e := ask(t, c, adapter.Fetch); len(e.done) != 1 || e.done[0].Some != 0 {
			t.Errorf("alone: %+v", e.done)
		}
	})
}

func TestAcksOfClients(t *testing.T) {
	a := new(silent)
	asking(t, a, a, func(t *testing.T, c *Core, in adapter.Inbox) {
		q, e := ask(t, c, adapter.Broadcast)
		say := func(k adapter.Kind, from string, n int) {
			in.Message(&adapter.Message{Kind: k, From: from, NS: "/", Request: q.id, Count: n})
		}
		say(adapter.ClientAck, "a", 0) // before the count
		say(adapter.ClientCount, "a", 2)
		say(adapter.ClientCount, "a", 2) // again
		say(adapter.ClientCount, "b", 0)
		say(adapter.ClientCount, "c", 3)
		say(adapter.ClientAck, "a", 0)
		say(adapter.ClientAck, "a", 0) // one more than it has clients
		say(adapter.ClientAck, "c", 0)
		if len(e.done) != 0 {
			t.Fatalf("done %v", e.done)
		}
		in.Message(&adapter.Message{Kind: adapter.Goodbye, From: "c", NS: "/"})
		if len(e.done) != 1 || e.done[0].Acks != 2 || e.done[0].Some != 0 {
			t.Errorf("done %+v", e.done)
		}

		q, e = ask(t, c, adapter.Broadcast)
		say(adapter.ClientCount, "a", 4)
		say(adapter.ClientAck, "a", 0)
		if left := q.End(); left.Acks != 3 || !slices.Equal(left.Nodes, []string{"node b"}) {
			t.Errorf("left %+v", left)
		}
		say(adapter.ClientAck, "a", 0)
		if len(e.done) != 0 || len(e.got) != 2 {
			t.Errorf("told after the end: %v %v", e.got, e.done)
		}
	})
}

func TestCountedAnswers(t *testing.T) {
	a := new(counting)
	a.nodes.Store(5) // this one, a, b, c, and one of Node
	asking(t, a, &a.silent, func(t *testing.T, c *Core, in adapter.Inbox) {
		q, e := ask(t, c, adapter.Fetch)
		answer := func(from string) {
			in.Message(&adapter.Message{Kind: adapter.FetchAnswer, From: from, NS: "/", Request: q.id})
		}
		for _, from := range []string{"a", "", "b"} {
			answer(from)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(e.got) != 3 || len(e.done) != 0 {
			t.Fatalf("got %v, done %v", e.got, e.done)
		}
		a.nodes.Store(4) // one has died
		time.Sleep(time.Second)
		synctest.Wait()
		if len(e.done) != 1 || e.done[0].Some != 0 {
			t.Errorf("done %+v", e.done)
		}

		// One that has answered and says goodbye is not missed in the count.
		q, e = ask(t, c, adapter.Fetch)
		answer("a")
		in.Message(&adapter.Message{Kind: adapter.Goodbye, From: "a", NS: "/"})
		a.nodes.Store(3)
		time.Sleep(time.Second)
		synctest.Wait()
		answer("")
		if len(e.done) != 0 {
			t.Fatalf("done too early: %+v", e.done)
		}
		answer("b")
		if len(e.done) != 1 {
			t.Error("not done")
		}

		// The broker does not count: who waits gives up, and is told that somebody
		// may be missing.
		a.nodes.Store(-1)
		q, e = ask(t, c, adapter.Fetch)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if left := q.End(); len(e.done) != 0 || left.Some == 0 {
			t.Errorf("done %v, left %+v", e.done, left)
		}
	})
}

func TestQuestionsAreBounded(t *testing.T) {
	a := new(silent)
	asking(t, a, a, func(t *testing.T, c *Core, in adapter.Inbox) {
		for range 3 {
			ask(t, c, adapter.Fetch)
		}
		if _, err := c.Ask(&adapter.Message{Kind: adapter.Fetch, NS: "/"}, new(ear)); err != ErrTooManyQuestions {
			t.Errorf("%v", err)
		}
	})
}
