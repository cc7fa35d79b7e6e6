package socketio_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// An asker is a node without a server, which asks another for clients.
type asker struct {
	t *testing.T
	adapter.Adapter
	to      string // the id of the node
	n       int
	answers chan string
}

func (*asker) Wants(_, _ string) bool { return false }
func (*asker) Malformed(string)       {}
func (*asker) State(adapter.State)    {}
func (a *asker) Message(m *adapter.Message) {
	if m.Kind == adapter.ServerSideAnswer {
		a.answers <- string(m.Data.Text)
	}
}

const askersID = "00000000000000aa"

func newAsker(t *testing.T, j *journey, to *station) *asker {
	info, _ := to.srv.Cluster()
	a := &asker{t: t, Adapter: j.bus.Adapter("asker"), to: info.Node, answers: make(chan string, 10)}
	if err := a.Start(t.Context(), adapter.Node{ID: askersID}, a); err != nil {
		t.Fatal(err)
	}
	return a
}

// ask returns the answer, the sessions in it.
func (a *asker) ask(questions ...string) (sessions []string) {
	a.t.Helper()
	a.n++
	list, err := json.Marshal(append([]string{"sockeye:session"}, questions...))
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.Publish(&adapter.Message{
		Kind: adapter.ServerSide, From: askersID, To: a.to, NS: "/", Request: fmt.Sprint("q", a.n), Data: adapter.Data{Text: list},
	}); err != nil {
		a.t.Fatal(err)
	}
	var answer [][]string
	if err := json.Unmarshal([]byte(<-a.answers), &answer); err != nil || len(answer) != 1 {
		a.t.Fatalf("the answer is %v, %v", answer, err)
	}
	return answer[0]
}

// question asks for a client as it is stored.
func (a *asker) question(c *socketiotest.Client) string {
	a.t.Helper()
	pid, _ := c.Recovery()["pid"].(string)
	sum := sha256.Sum256([]byte(pid))
	stored := sha256.Sum256(append(sum[:], '/'))
	list, err := a.Adapter.(adapter.Log).PeekSessions(a.t.Context(), []string{hex.EncodeToString(stored[:])})
	if err != nil || len(list[0].State) < adapter.SessionTag {
		a.t.Fatalf("it is not stored: %v", err)
	}
	return hex.EncodeToString(sum[:]) + string(list[0].State[:adapter.SessionTag]) + "/"
}

func (a *asker) close() {
	if err := a.Close(a.t.Context()); err != nil {
		a.t.Error(err)
	}
}

// TestRoamAskedForMany: a node gives up as many clients as one question may be for,
// each once.
func TestRoamAskedForMany(t *testing.T) {
	onJourney(t, 17, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first := j.nodes[0]
		client := first.server.Connect(nil)
		time.Sleep(3 * time.Second)
		a := newAsker(t, j, first)
		defer a.close()
		question := a.question(client)
		other := strings.Repeat("0", len(question))
		for _, c := range []struct {
			others int
			given  bool
		}{{64, false}, {1000, false}, {63, true}, {0, false}} {
			questions := append(strings.Split(strings.TrimSpace(strings.Repeat(other+" ", c.others)), " "), question)
			if c.others == 0 {
				questions = questions[1:]
			}
			answer := a.ask(questions...)
			if want := min(64, c.others+1); len(answer) != want {
				t.Fatalf("behind %d others: %d answers, not %d", c.others, len(answer), want)
			}
			synctest.Wait()
			if given := answer[len(answer)-1] != ""; given != c.given || given && client.Connected() {
				t.Errorf("behind %d others: given up: %v", c.others, given)
			}
		}
	})
}

// TestRoamOwnNodeOnly: a client whose data cannot be told to others comes back
// to its own node, with it, whether it was stored before or not; and is given
// to nobody.
func TestRoamOwnNodeOnly(t *testing.T) {
	for _, stored := range []bool{true, false} {
		for name, value := range map[string]any{"no JSON": make(chan int), "large": strings.Repeat("x", 100<<10)} {
			onJourney(t, 18, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
				first := j.nodes[0]
				a := newAsker(t, j, first)
				defer a.close()
				if !stored {
					first.srv.Use(func(_ context.Context, s *socketio.Socket) error {
						s.Set("odd", value)
						return nil
					})
				}
				client := first.server.Connect(nil)
				id := client.ID()
				time.Sleep(3 * time.Second)
				s, ok := first.srv.Of("/").Socket(id)
				if !ok {
					t.Fatal("it is not there")
				}
				if stored { // what is stored is older than what it is
					question := a.question(client)
					s.Set("odd", value)
					if got := a.ask(question); got[0] != "" {
						t.Errorf("%s: it was given up as %.100s", name, got)
					}
				}
				for range 2 {
					time.Sleep(3 * time.Second)
					client.Cut()
					time.Sleep(3 * time.Second)
					client = client.ReconnectTo(first.server)
					s, ok = first.srv.Of("/").Socket(client.ID())
					if got, _ := s.Get("odd"); client.ID() != id || !ok || got != value {
						t.Errorf("%s, stored before: %v: not recovered: %v", name, stored, unrecovered(j))
					}
				}
				client.Cut()
				if client = client.ReconnectTo(j.nodes[1].server); client.ID() == id {
					t.Errorf("%s, stored before: %v: recovered on another node", name, stored)
				}
			})
		}
	}
}

// TestRoamAskedByStrangers: what is no question for a client of that life takes
// nobody away, whatever it is; and costs no more than a full question.
func TestRoamAskedByStrangers(t *testing.T) {
	onJourney(t, 13, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first, second := j.nodes[0], j.nodes[1]
		from, _ := second.srv.Cluster()
		to, _ := first.srv.Cluster()
		client := first.server.Connect(nil)
		emitSaid(t, first.srv, "an offset")
		time.Sleep(3 * time.Second)
		pid, _ := client.Recovery()["pid"].(string)
		sum := sha256.Sum256([]byte(pid))
		key, tag := hex.EncodeToString(sum[:]), strings.Repeat("t", adapter.SessionTag)
		for i, list := range []string{
			`[]`, `["sockeye:session"]`, `["sockeye:session",7,null,{"a":1},["x"]]`, `["sockeye:session",""]`,
			`["sockeye:session","` + key + `"]`, `["sockeye:session","` + key + tag + `"]`, `["sockeye:session","` + key + tag + `/"]`,
			`["sockeye:session","` + key + tag + `/none"]`, `["sockeye:session","` + strings.Repeat("zz", 32) + tag + `/"]`,
			`["sockeye:session"` + strings.Repeat(`,"`+key+tag+`/"`, 5000) + `]`, `["sockeye:session"`, `{}`,
		} {
			j.bus.Inject(first.name, &adapter.Message{
				Kind: adapter.ServerSide, From: from.Node, To: to.Node, NS: "/", Request: fmt.Sprint("x", i), Data: adapter.Data{Text: []byte(list)},
			})
			synctest.Wait()
		}
		if !client.Connected() {
			t.Error("a client was taken away")
		}
		id := client.ID()
		client.Cut()
		if client = client.ReconnectTo(second.server); client.ID() != id {
			t.Errorf("not recovered: %v", unrecovered(j))
		}
	})
}
