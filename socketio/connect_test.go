package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// joins tells what a namespace has seen of its sockets' lives.
type joins struct {
	mu   sync.Mutex
	list []string
}

func (j *joins) add(format string, args ...any) {
	j.mu.Lock()
	j.list = append(j.list, fmt.Sprintf(format, args...))
	j.mu.Unlock()
}

func (j *joins) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.list, want) {
		t.Errorf("the namespace has seen %q, want %q", j.list, want)
	}
	j.list = nil
}

// twice is a namespace whose middleware takes a second, and what it has seen.
func twice(io *socketio.Server) *joins {
	j := new(joins)
	ns := io.Of("/chat")
	ns.Use(func(ctx context.Context, s *socketio.Socket) error {
		time.Sleep(time.Second)
		if ctx.Err() != nil {
			j.add("too late: %v", context.Cause(ctx))
		}
		if s.Handshake().Auth()["user"] == "refused" {
			return errors.New("no")
		}
		return nil
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) { j.add("in %v", s.Handshake().Auth()["user"]) })
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, r socketio.DisconnectReason) {
		j.add("out %v: %s", s.Handshake().Auth()["user"], r)
	})
	ns.On("who", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		return r.Ack(s.Handshake().Auth()["user"])
	})
	return j
}

// A second CONNECT for a namespace is the same wish if it brings the same auth:
// there is one socket, which is told of again if it is there already. With
// another auth it is a new wish, and the old socket ends. Whenever it comes, the
// other namespaces do not notice.
func TestConnectTwice(t *testing.T) {
	for _, pause := range []time.Duration{time.Millisecond, 500 * time.Millisecond, time.Second, 3 * time.Second} {
		for _, user := range []string{"ann", "ben", "refused"} {
			t.Run(fmt.Sprint(user, " after ", pause), func(t *testing.T) {
				bubble(t, func(t *testing.T, o *socketiotest.Options) {
					io := echoServer(quiet())
					j := twice(io)
					c := socketiotest.Serve(t, io).Connect(o)
					time.AfterFunc(pause, func() { _ = c.SendRaw(`0/chat,{"user":"` + user + `"}`) })
					d, err := c.TryJoin("/chat", map[string]any{"user": "ann"})
					if err != nil && user != "refused" {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
					late := pause > time.Second
					switch {
					case user == "ann":
						j.expect(t, "in ann")
					case user == "ben" && late:
						j.expect(t, "in ann", "out ann: client namespace disconnect", "in ben")
					case user == "refused" && late:
						j.expect(t, "in ann", "out ann: client namespace disconnect")
					case pause == time.Second: // either is first
					case user == "ben":
						j.expect(t, "too late: client namespace disconnect", "in ben")
					default:
						j.expect(t, "too late: client namespace disconnect")
					}
					if alive(t, c); user != "refused" {
						s, ok := io.Of("/chat").Socket(d.ID())
						if !ok || io.Of("/chat").Len() != 1 {
							t.Fatalf("the client's %s is not among the %d sockets", d.ID(), io.Of("/chat").Len())
						}
						if got := d.Ask("who").Arg(0).String(); got != `"`+user+`"` || s.Handshake().Auth()["user"] != user {
							t.Errorf("it is %s", got)
						}
					} else if io.Of("/chat").Len() != 0 {
						t.Error("it was refused, and is in")
					}
				})
			})
		}
	}
}

// A client may not have listened to the first answer: the second says the same,
// private id and all.
func TestConnectTwiceAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Recovery = &socketio.Recovery{}
		io := echoServer(opts)
		c := socketiotest.Serve(t, io).Connect(o)
		id, state := c.ID(), fmt.Sprint(c.Recovery())
		synctest.Wait()
		sent := io.Stats().Engine.MessagesOut
		if err := c.SendRaw("0"); err != nil {
			t.Fatal(err)
		}
		alive(t, c)
		synctest.Wait() // an answer comes before it is counted
		if n := io.Stats().Engine.MessagesOut - sent; n != 2 {
			t.Errorf("%d messages were sent, want the CONNECT and the bystander's answer", n)
		}
		if c.ID() != id || fmt.Sprint(c.Recovery()) != state || io.SocketCount() != 1 {
			t.Errorf("%s %v, before it was %s %s; %d sockets", c.ID(), c.Recovery(), id, state, io.SocketCount())
		}
	})
}

// What a client says to a namespace that it has just left, that it was put out
// of, or that has refused it, is ignored and counted: the connection, and its
// other namespaces, live on.
func TestLateWordsToANamespace(t *testing.T) {
	for name, leave := range map[string]func(io *socketio.Server, d *socketiotest.Client) error{
		"left": func(_ *socketio.Server, d *socketiotest.Client) error { d.Disconnect(); return nil },
		"put out": func(io *socketio.Server, _ *socketiotest.Client) error {
			io.Of("/chat").DisconnectSockets(false)
			return nil
		},
		"refused": func(_ *socketio.Server, d *socketiotest.Client) error {
			d.Disconnect()
			return d.SendRaw(`0/chat,{"user":"refused"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *socketiotest.Options) {
				io := echoServer(quiet())
				twice(io)
				c := socketiotest.Serve(t, io).Connect(o)
				d := c.Join("/chat", map[string]any{"user": "ann"})
				if err := leave(io, d); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				for _, packet := range []string{`2/chat,["who"]`, `3/chat,7[1]`, "1/chat,", "1/chat,"} {
					if err := c.SendRaw(packet); err != nil {
						t.Fatal(err)
					}
				}
				alive(t, c)
				if st := io.Stats(); st.Malformed != 0 || st.Ignored["left"] != 4 {
					t.Errorf("%d malformed, ignored %v", st.Malformed, st.Ignored)
				}
				_ = c.SendRaw(`2/never,["who"]`)
				c.Disconnected()
			})
		})
	}
}

// A client that leaves and comes back without end has no more middleware running
// than it may have namespaces: reading pauses.
func TestComingAndGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Limits.MaxNamespaces = 4
		io := echoServer(opts)
		var mu sync.Mutex
		running, most := 0, 0
		io.Of("/slow").Use(func(context.Context, *socketio.Socket) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		})
		c := socketiotest.Serve(t, io).Connect(nil)
		c.Join("/slow", nil)
		for i := range 40 {
			auth, _ := json.Marshal(map[string]int{"i": i})
			if err := c.SendRaw("0/slow," + string(auth)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		alive(t, c)
		mu.Lock()
		defer mu.Unlock()
		if most > 5 || running != 0 || io.Of("/slow").Len() != 1 {
			t.Errorf("up to %d at once, %d still; %d sockets", most, running, io.Of("/slow").Len())
		}
	})
}

// As Node does: an acknowledgement without an id answers nothing, and a blank in
// front of a payload is the id 0.
func TestOddIDs(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		var wanted []bool
		io.On("x", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			wanted = append(wanted, r.WantsAck())
			return nil
		})
		c := socketiotest.Serve(t, io).Connect(o)
		for _, packet := range []string{`3[1]`, `3`, `2 ["x"]`, `2["x"]`, "2\t7 [\"x\"]"} {
			if err := c.SendRaw(packet); err != nil {
				t.Fatal(err)
			}
		}
		alive(t, c)
		if st := io.Stats(); !slices.Equal(wanted, []bool{true, false, true}) || st.Ignored["unknown acknowledgement"] != 2 {
			t.Errorf("acks wanted: %v; ignored %v", wanted, st.Ignored)
		}
	})
}
