package googollee_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/parser"

	"github.com/sockeye-io/sockeye/googollee"
	"github.com/sockeye-io/sockeye/internal/slow"
)

// One test for each thing that handlers of go-socket.io rely on, and for each that
// was a defect there.

// board is a server whose root namespace has a way to know that all before it has
// been handled: 2["done"] is answered by 2["done"].
func board(t *testing.T) *googollee.Server {
	t.Helper()
	s := googollee.NewServer(nil)
	s.OnEvent("/", "done", func(c socketio.Conn) { c.Emit("done") })
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// notes is what handlers write down.
type notes struct {
	mu   sync.Mutex
	list []string
	more chan struct{}
}

func newNotes() *notes { return &notes{more: make(chan struct{}, 100)} }

func (n *notes) add(s string) {
	n.mu.Lock()
	n.list = append(n.list, s)
	n.mu.Unlock()
	n.more <- struct{}{}
}

// wait is the next note.
func (n *notes) wait(t *testing.T) string {
	t.Helper()
	select {
	case <-n.more:
	case <-time.After(slow.Stretch(10 * time.Second)):
		t.Fatal("nothing was noted")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.list[0]
	n.list = n.list[1:]
	return s
}

func TestFirstParameterMustBeConnElsePanicAtRegistration(t *testing.T) {
	s := board(t)
	for name, f := range map[string]any{
		"no parameter": func() {}, "another type": func(string) {}, "no function": "hello", "nil": nil,
		"only a variadic": func(...socketio.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			s.OnEvent("/", "e", f)
		})
	}
	s.OnEvent("/", "e", func(socketio.Conn) {})
}

func TestMissingArgumentsAreZeroAndExtraOnesIgnored(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		type place struct{ X, Y int }
		s.OnEvent("/", "e", func(_ socketio.Conn, n int, text string, p *place, m map[string]int) (int, string, bool, bool) {
			return n, text, p != nil && *p == place{}, m == nil
		})
		c := dial(t, s, eio, "")
		c.send(`20["e"]`, `21["e",7]`, `22["e",7,"x",{"X":0},null,"extra",{"more":1}]`, `23["e",null,null,null]`)
		c.expect(`30[0,"",true,true]`, `31[7,"",true,true]`, `32[7,"x",true,true]`, `33[0,"",true,true]`)
	})
}

func TestWrongArgumentTypeOrPanicGoesToOnErrorAndConnectionStays(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		failed := newNotes()
		s.OnError("/", func(c socketio.Conn, err error) { failed.add(c.Namespace() + " " + err.Error()) })
		called := false
		s.OnEvent("/", "number", func(_ socketio.Conn, n int) { called = true })
		s.OnEvent("/", "boom", func(socketio.Conn) { panic("fire") })
		c := dial(t, s, eio, "")
		c.send(`2["number","seven"]`)
		if got := failed.wait(t); !strings.HasPrefix(got, "/ ") || !strings.Contains(got, "argument 1") {
			t.Errorf("OnError was told %q", got)
		}
		c.send(`2["boom"]`)
		if got := failed.wait(t); !strings.Contains(got, "fire") {
			t.Errorf("OnError was told %q", got)
		}
		c.send(`2["done"]`)
		c.expect(`2["done"]`)
		if called {
			t.Error("the handler was called with an argument of the wrong type")
		}
	})
}

func TestReturnValuesAreAckArgumentsAndErrorsReachOnError(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		failed := newNotes()
		s.OnError("/", func(_ socketio.Conn, err error) { failed.add(err.Error()) })
		s.OnEvent("/", "e", func(_ socketio.Conn, fail bool) (string, int, []string, error) {
			if fail {
				return "a", 2, nil, errors.New("secret of the house")
			}
			return "a", 2, []string{"x"}, nil
		})
		s.OnEvent("/", "none", func(socketio.Conn) {})
		c := dial(t, s, eio, "")
		c.send(`20["e",false]`, `21["none"]`, `22["e",true]`)
		c.expect(`30["a",2,["x"],null]`, `32["a",2,null,{}]`)
		if got := failed.wait(t); got != "secret of the house" {
			t.Errorf("OnError was told %q", got)
		}
	})
}

func TestNoAckUnlessAsked(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		s.OnEvent("/", "e", func(socketio.Conn) string { return "unasked" })
		c := dial(t, s, eio, "")
		c.send(`2["e"]`, `2["done"]`)
		c.expect(`2["done"]`)
	})
}

func TestUnknownEventWithAckIsNeverAnswered(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		c := dial(t, board(t), eio, "")
		c.send(`20["unknown"]`, `2["done"]`)
		c.expect(`2["done"]`)
	})
}

func TestInterfaceParametersAreMapsAndFloatsAndPointersWork(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		s.OnEvent("/", "any", func(_ socketio.Conn, a, b interface{}) bool {
			m, isMap := a.(map[string]interface{})
			f, isFloat := b.(float64)
			return isMap && isFloat && m["k"] == true && f == 7
		})
		s.OnEvent("/", "pointer", func(_ socketio.Conn, p *struct{ A int }, pp **string) (int, string) { return p.A, **pp })
		s.OnEvent("/", "variadic", func(_ socketio.Conn, first string, rest ...int) int { return len(rest) })
		c := dial(t, s, eio, "")
		c.send(`20["any",{"k":true},7]`, `21["pointer",{"A":3},"x"]`, `22["variadic","a",1,2]`)
		c.expect(`30[true]`, `31[3,"x"]`, `32[2]`)
	})
}

func TestEmitWithFuncIsTypedAckCallback(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		answered, failed := newNotes(), newNotes()
		s.OnError("/", func(_ socketio.Conn, err error) { failed.add(err.Error()) })
		s.OnEvent("/", "ask", func(c socketio.Conn) {
			c.Emit("question", "how many", func(n int, what string) { answered.add(strings.Repeat(what, n)) })
		})
		c := dial(t, s, eio, "")
		c.send(`2["ask"]`)
		question := c.next()
		id := strings.TrimSuffix(strings.TrimPrefix(question, "2"), `["question","how many"]`)
		if id == "" || id == question {
			t.Fatalf("the question is %q", question)
		}
		c.send("3" + id + `[2,"ab","ignored"]`)
		if got := answered.wait(t); got != "abab" {
			t.Errorf("the callback got %q", got)
		}
		c.send(`2["ask"]`)
		question = c.next()
		id = strings.TrimSuffix(strings.TrimPrefix(question, "2"), `["question","how many"]`)
		c.send("3" + id + `["many"]`)
		if got := failed.wait(t); !strings.Contains(got, "question") {
			t.Errorf("OnError was told %q", got)
		}
		c.send(`2["done"]`)
		c.expect(`2["done"]`)
	})
}

func TestAckCallbackExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := board(t)
		s.OnEvent("/", "ask", func(c socketio.Conn) {
			c.Emit("question", func() { t.Error("a late answer was taken") })
		})
		c := dial(t, s, 4, "")
		c.send(`2["ask"]`)
		c.expect(`20["question"]`)
		time.Sleep(time.Hour)
		synctest.Wait()
		c.send(`30[]`, `2["done"]`)
		c.expect(`2["done"]`)
		c.close()
	})
}

func TestEmitOfNilWorks(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		s.OnEvent("/", "e", func(c socketio.Conn) {
			c.Emit("e", nil)
			c.Emit("e", 1, nil)
		})
		c := dial(t, s, eio, "")
		c.send(`2["e"]`)
		c.expect(`2["e",null]`, `2["e",1,null]`)
	})
}

func TestEmitInsideOnConnectArrivesAfterConnect(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		for _, name := range []string{"/", "/chat"} {
			s.OnConnect(name, func(c socketio.Conn) error {
				payload := map[string]any{"n": 1}
				c.Emit("first", payload)
				payload["n"] = 2 // what was emitted stays what it was
				c.Emit("second", nil)
				c.Join("lobby")
				if n := s.RoomLen(name, "lobby"); n != 1 {
					t.Errorf("%d in the lobby", n)
				}
				s.BroadcastToRoom(name, "lobby", "third", c.Namespace())
				s.BroadcastToNamespace(name, "fourth")
				return nil
			})
		}
		c := dial(t, s, eio, "")
		c.expect(`2["first",{"n":1}]`, `2["second",null]`, `2["third","/"]`, `2["fourth"]`)
		c.send(`0/chat,`)
		if got := c.next(); !strings.HasPrefix(got, "0/chat") {
			t.Fatalf("got %q before the CONNECT packet", got)
		}
		c.expect(`2/chat,["first",{"n":1}]`, `2/chat,["second",null]`, `2/chat,["third","/chat"]`, `2/chat,["fourth"]`)
	})
}

func TestBothNamesOfTheRoot(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		s.OnEvent("", "name", func(c socketio.Conn) string { return c.Namespace() })
		c := dial(t, s, eio, "")
		c.send(`20["name"]`)
		c.expect(`30["/"]`)
		if !s.BroadcastToNamespace("", "a") || !s.BroadcastToNamespace("/", "b") {
			t.Error("a broadcast to the root was refused")
		}
		c.expect(`2["a"]`, `2["b"]`)
	})
}

func TestAutoJoinedToTheRoomOfItsOwnID(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		for _, name := range []string{"/", "/chat"} {
			s.OnConnect(name, func(c socketio.Conn) error {
				if !slices.Contains(c.Rooms(), c.ID()) {
					t.Errorf("inside OnConnect of %s the rooms are %q", name, c.Rooms())
				}
				return nil
			})
			s.OnEvent(name, "me", func(c socketio.Conn) (bool, bool, int) {
				rooms, all := c.Rooms(), s.Rooms(name)
				return slices.Equal(rooms, []string{c.ID()}), slices.Equal(all, []string{c.ID()}), s.RoomLen(name, c.ID())
			})
			s.OnEvent(name, "self", func(c socketio.Conn) { s.BroadcastToRoom(name, c.ID(), "hi") })
			s.OnEvent(name, "alone", func(c socketio.Conn) int {
				c.LeaveAll()
				return len(c.Rooms()) + s.RoomLen(name, c.ID())
			})
		}
		c := dial(t, s, eio, "")
		c.send(`0/chat,`)
		c.expect("0")
		c.send(`20["me"]`, `2/chat,0["me"]`, `2["self"]`, `2/chat,["self"]`)
		got := []string{c.next(), c.next(), c.next(), c.next()}
		slices.Sort(got) // the namespaces take turns in no order
		if want := []string{`2/chat,["hi"]`, `2["hi"]`, `3/chat,0[true,true,1]`, `30[true,true,1]`}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		c.send(`21["alone"]`)
		c.expect(`31[0]`)
	})
}

// Clients of Engine.IO 3 have one id in all namespaces.
func TestSameIDAcrossNamespaces(t *testing.T) {
	s := board(t)
	ids := newNotes()
	s.OnConnect("/", func(c socketio.Conn) error { ids.add(c.ID()); return nil })
	s.OnConnect("/chat", func(c socketio.Conn) error { ids.add(c.ID()); return nil })
	c := dial(t, s, 3, "")
	c.send(`0/chat,`)
	if a, b := ids.wait(t), ids.wait(t); a != b || a != c.sid {
		t.Errorf("ids %q and %q on session %q", a, b, c.sid)
	}
}

func TestOnConnectErrorRefusesThatNamespaceOnly(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		failed := newNotes()
		s.OnConnect("/locked", func(socketio.Conn) error { return errors.New("key is under the mat") })
		s.OnError("/locked", func(c socketio.Conn, err error) { failed.add(c.Namespace() + ": " + err.Error()) })
		s.OnDisconnect("/locked", func(socketio.Conn, string) { t.Error("OnDisconnect of a connection that never was") })
		c := dial(t, s, eio, "")
		c.send(`0/locked,`)
		got := c.next()
		if !strings.HasPrefix(got, `4/locked,`) || strings.Contains(got, "mat") {
			t.Errorf("the client was told %q", got)
		}
		if got := failed.wait(t); got != "/locked: key is under the mat" {
			t.Errorf("OnError was told %q", got)
		}
		c.send(`2["done"]`)
		c.expect(`2["done"]`)
	})
}

func TestBroadcastToNamespaceOncePerConnection(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		s.OnConnect("/", func(c socketio.Conn) error {
			c.Join("a")
			c.Join("b")
			return nil
		})
		a, b := dial(t, s, eio, ""), dial(t, s, eio, "")
		s.BroadcastToNamespace("/", "news", 1)
		for _, c := range []*client{a, b} {
			c.send(`2["done"]`)
			c.expect(`2["news",1]`, `2["done"]`)
		}
	})
}

func TestAnswersAboutRoomsAndUnknownNamespaces(t *testing.T) {
	s := board(t)
	c := dial(t, s, 4, "")
	s.OnEvent("/", "join", func(c socketio.Conn, room string) string { c.Join(room); return room })
	c.send(`20["join","a"]`)
	c.expect(`30["a"]`)
	var self socketio.Conn
	s.ForEach("/", "a", func(c socketio.Conn) { self = c })
	if self == nil {
		t.Fatal("ForEach has not called")
	}
	for what, ok := range map[string]bool{
		"broadcast to a room":              s.BroadcastToRoom("/", "a", "x"),
		"broadcast to an empty room":       s.BroadcastToRoom("/", "nobody", "x"),
		"no broadcast to no namespace":     !s.BroadcastToRoom("/none", "a", "x") && !s.BroadcastToNamespace("/none", "x"),
		"length":                           s.RoomLen("/", "a") == 1 && s.RoomLen("/", "nobody") == 0,
		"length in no namespace":           s.RoomLen("/none", "a") == -1,
		"rooms":                            len(s.Rooms("/")) == 2 && slices.Contains(s.Rooms("/"), "a"),
		"rooms of no namespace":            s.Rooms("/none") == nil,
		"for each in an empty room":        s.ForEach("/", "nobody", func(socketio.Conn) { t.Error("called") }),
		"for each in no namespace":         !s.ForEach("/none", "a", func(socketio.Conn) { t.Error("called") }),
		"join by the server":               s.JoinRoom("/", "b", self) && s.RoomLen("/", "b") == 1,
		"leave by the server":              s.LeaveRoom("/", "b", self) && s.RoomLen("/", "b") == 0,
		"join and leave in no namespace":   !s.JoinRoom("/none", "b", self) && !s.LeaveRoom("/none", "b", self) && !s.LeaveAllRooms("/none", self),
		"clear":                            s.ClearRoom("/", "a") && s.RoomLen("/", "a") == 0 && !s.ClearRoom("/none", "a"),
		"leave all":                        s.LeaveAllRooms("/", self) && len(self.Rooms()) == 0,
		"one connection":                   s.Count() == 1,
		"a broadcast that has no encoding": !s.BroadcastToRoom("/", "a", "x", make(chan int)),
		"a wrapped connection": func() bool {
			type wrapped struct{ socketio.Conn }
			return s.JoinRoom("/", "w", wrapped{self}) && s.RoomLen("/", "w") == 1
		}(),
	} {
		if !ok {
			t.Errorf("%s: wrong answer", what)
		}
	}
}

// A broadcast with a callback asks every client.
func TestBroadcastWithAckCallback(t *testing.T) {
	s := board(t)
	s.OnConnect("/", func(c socketio.Conn) error { c.Join("a"); return nil })
	answers := newNotes()
	a, b := dial(t, s, 4, ""), dial(t, s, 3, "")
	ask := func(name string) { answers.add(name) }
	s.BroadcastToRoom("/", "a", "who", ask)
	s.BroadcastToNamespace("/", "who", ask)
	for i, c := range []*client{a, b} {
		for range 2 {
			id := strings.TrimSuffix(strings.TrimPrefix(c.next(), "2"), `["who"]`)
			c.send("3" + id + `["` + string(rune('a'+i)) + `"]`)
			if got := answers.wait(t); got != string(rune('a'+i)) {
				t.Errorf("client %d answered %q", i, got)
			}
		}
	}
}

func TestJoinInsideForEachWorks(t *testing.T) {
	s := board(t)
	s.OnConnect("/", func(c socketio.Conn) error { c.Join("a"); return nil })
	dial(t, s, 4, "")
	dial(t, s, 3, "")
	s.ForEach("/", "a", func(c socketio.Conn) {
		c.Join("b")
		c.Leave("a")
	})
	if a, b := s.RoomLen("/", "a"), s.RoomLen("/", "b"); a != 0 || b != 2 {
		t.Errorf("%d in a, %d in b", a, b)
	}
}

func TestOnDisconnectGetsTheRealReason(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		left := newNotes()
		s.OnConnect("/", func(c socketio.Conn) error { c.Join("sofa"); return nil })
		s.OnDisconnect("/", func(c socketio.Conn, reason string) {
			if !slices.Contains(c.Rooms(), "sofa") || s.RoomLen("/", "sofa") != 0 {
				t.Errorf("rooms %q, %d on the sofa", c.Rooms(), s.RoomLen("/", "sofa"))
			}
			c.Emit("too late")
			c.Join("too late")
			left.add(reason)
		})
		s.OnEvent("/", "close", func(c socketio.Conn) { c.Close() })
		for packet, want := range map[string]string{
			"41":           "client namespace disconnect",
			"1":            "transport close",
			`42["close"]`:  "server namespace disconnect",
			"4nonsense":    "forced close",
			"9 is no type": "parse error",
		} {
			c := dial(t, s, eio, "")
			c.do(t.Context(), "POST", c.payload(packet))
			if got := left.wait(t); got != want {
				t.Errorf("after %q: %q, want %q", packet, got, want)
			}
			c.close()
		}
	})
}

// payload is a POST's body of one packet.
func (c *client) payload(packet string) string {
	if c.eio == 3 {
		return lengthPrefixed(packet)
	}
	return packet
}

func TestContextPerNamespaceConnection(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		var conns sync.Map
		for _, name := range []string{"/", "/chat"} {
			s.OnConnect(name, func(c socketio.Conn) error {
				if c.Context() != nil {
					t.Errorf("%s begins with context %v", name, c.Context())
				}
				c.SetContext("of " + name)
				conns.Store(name, c)
				return nil
			})
			s.OnEvent(name, "context", func(c socketio.Conn) string { return c.Context().(string) })
		}
		c := dial(t, s, eio, "")
		c.send(`0/chat,`)
		c.expect("0")
		c.send(`20["context"]`)
		c.expect(`30["of /"]`)
		c.send(`2/chat,0["context"]`)
		c.expect(`3/chat,0["of /chat"]`)
		// Other goroutines may look, and change it: the race detector watches.
		root, _ := conns.Load("/")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				root.(socketio.Conn).SetContext("again")
				_ = root.(socketio.Conn).Context()
			})
		}
		c.send(`21["context"]`)
		c.next()
		wg.Wait()
	})
}

func TestHandlersOfOneConnectionRunOneAtATime(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		busy, total := 0, 0 // not guarded: the race detector would tell
		work := func(c socketio.Conn) int {
			busy++
			if busy != 1 {
				t.Error("two handlers of one connection at once")
			}
			total++
			busy--
			return total
		}
		for _, name := range []string{"/", "/a", "/b"} {
			s.OnConnect(name, func(socketio.Conn) error { return nil })
			s.OnEvent(name, "work", work)
		}
		c := dial(t, s, eio, "")
		c.send(`0/a,`, `0/b,`)
		c.expect("0", "0")
		const n = 60
		for range n / 3 {
			c.send(`20["work"]`, `2/a,0["work"]`, `2/b,0["work"]`)
		}
		for range n {
			c.next()
		}
		c.send(`20["work"]`)
		c.expect(`30[61]`)
	})
}

func TestServeBlocksUntilCloseThenEOF(t *testing.T) {
	s := board(t)
	served := make(chan error)
	go func() { served <- s.Serve() }()
	c := dial(t, s, 4, "")
	select {
	case err := <-served:
		t.Fatalf("Serve returned %v before Close", err)
	default:
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err == nil || err.Error() != "EOF" {
		t.Errorf("Serve returned %v", err)
	}
	c.expect("closed")
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if err := s.Serve(); err == nil || err.Error() != "EOF" {
		t.Errorf("Serve after Close returned %v", err)
	}
}

// What clients could not take is not sent, and OnError is told; the names that
// Sockeye keeps people of Node from are events like any other.
func TestElevenAttachmentsReachOnErrorAndNodesNamesAreEvents(t *testing.T) {
	s := board(t)
	told := newNotes()
	s.OnError("/", func(_ socketio.Conn, err error) { told.add(err.Error()) })
	s.OnEvent("/", "eleven", func(c socketio.Conn) {
		var list []*parser.Buffer
		for range 11 {
			list = append(list, &parser.Buffer{Data: []byte{1}})
		}
		c.Emit("eleven", list)
	})
	s.OnEvent("/", "connection", func(c socketio.Conn, text string) string { return "heard " + text })
	c := dial(t, s, 4, "")
	c.send(`2["eleven"]`)
	if text := told.wait(t); !strings.Contains(text, "11 of at most 10") {
		t.Errorf("told of %s", text)
	}
	c.send(`21["connection","it"]`)
	c.expect(`31["heard it"]`)
}
