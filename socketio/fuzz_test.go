package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// FuzzServer drives a whole server by arbitrary steps of several clients, over
// both transports and both protocols, and of the application: packets that are
// right, wrong or cut, frames and requests of any bytes, upgrades, losses,
// returns, clients that do not read, emits, questions and disconnects. Whatever
// they are: nothing panics, no goroutine stays, sessions and sockets are
// counted right, no event comes twice or out of order, in either direction, and
// the books balance.
func FuzzServer(f *testing.F) {
	for _, seed := range serverSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			return
		}
		synctest.Test(t, func(t *testing.T) { runScript(t, script) })
	})
}

// The first byte chooses options, then each step is a letter and its operands:
// see serverRun.step.
var serverSeeds = []string{
	"\x00WAc\x06c\x09MMmqe\x00e\x02e\x04e\x0cc\x0aS\x02WAe\x07.e\x04Lq",   // websocket
	"\x00PAc\x06MmmuqUMe\x00e\x06e\x04qL\x00S\x02",                        // an upgrade
	"\x01WAPAc\x06e\x04e\x0c.e\x04e\x00L\x00qe\x04e\x0ce\x05R\x00qe\x04q", // a loss, and back
	"\x00wAc\x0cy\x03\x04\x01\x02MpAe\x02e\x04.mL\x01q",                   // old clients
	"\x03WAc\x06H\x01e\x44e\x04e\x0ce\x04e\x0ce\x04e\x04qe\x01e\x05S\x09H\x00qe\x04d\x00c\x08qD\x00",
	"\x04PAH\x01e\x04e\x05e\x06e\x03e\x03e\x03e\x03e\x03S\xffS\xffS\xffq",
	"\x08WAe\x04e\x0fe\x07c\x0f.PAx\x2b451-[\"any\",{\"_placeholder\":true,\"num\":0}]y\x02\x01\x02q",
	"\x00WAc\x01c\x02c\x0ec\x07qc\x00PAc\x04qc\x00g\x0bEIO=4&j=1;qr\x03\x81\x85\x00",
}

// serverRun is one server and what has been done to it.
type serverRun struct {
	t       *testing.T
	io      *socketio.Server
	net     *memory
	clients []*rawClient
	cur     *rawClient // whose turn it is
	script  []byte
	number  int    // of the last event that was emitted
	said    int    // of the last event that a client has sent
	emitted uint64 // packets, one for each receiver
	acks    atomic.Uint64
	told    *ledger
}

func runScript(t *testing.T, script []byte) {
	r := &serverRun{t: t, script: script}
	bits := r.next()
	opts := quiet()
	opts.Engine.AllowEIO3 = true
	opts.Engine.MaxQueue = 4000
	opts.Engine.MaxPayload = 2000
	opts.Engine.SlowPolicy = []engineio.SlowPolicy{engineio.Close, engineio.DropVolatile, engineio.DropOldest}[bits>>1%3]
	if bits&1 != 0 {
		opts.Recovery = &socketio.Recovery{MaxPackets: 20}
	}
	if bits&8 != 0 {
		opts.Engine.PerMessageDeflate = &engineio.Deflate{Threshold: 20}
	}
	opts.Limits.MaxAcks, opts.Limits.MaxRooms, opts.Limits.MaxNamespaces, opts.Limits.Inbox = 3, 4, 3, 4
	r.told = trace(opts)
	r.io = socketio.New(opts)
	r.handlers()
	r.net = serveMemory(t, r.io)
	for len(r.script) > 0 {
		r.step(r.next())
	}
	r.finish()
}

func (r *serverRun) handlers() {
	r.io.OfFunc(func(_ context.Context, name string, _ *socketio.Handshake) bool { return strings.HasPrefix(name, "/d") })
	for _, ns := range []*socketio.Namespace{r.io.Of("/"), r.io.Of("/a")} {
		last := make(map[string]int)
		ns.On("m", func(_ context.Context, s *socketio.Socket, q *socketio.Request) error {
			var n int
			if err := q.Scan(&n); err != nil {
				return err
			}
			r.ack(q, n)
			if before, ok := last[s.ID()]; ok && n <= before {
				r.t.Errorf("event %d was handled after %d", n, before)
			}
			last[s.ID()] = n
			return nil
		})
		ns.On("any", func(_ context.Context, s *socketio.Socket, q *socketio.Request) error {
			var v any
			err := q.Scan(&v)
			r.ack(q, v)
			return err
		})
		ns.On("join", func(_ context.Context, s *socketio.Socket, q *socketio.Request) error {
			return s.Join(q.Arg(0).String())
		})
		ns.On("bye", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
			s.Disconnect(false)
			return nil
		})
	}
}

// ack answers, and counts it if there is somebody to answer.
func (r *serverRun) ack(q *socketio.Request, v any) {
	if q.WantsAck() {
		r.acks.Add(1)
		_ = q.Ack(v) // counted, one way or the other
	}
}

func (r *serverRun) next() (b byte) {
	if len(r.script) > 0 {
		b, r.script = r.script[0], r.script[1:]
	}
	return b
}

// chunk is operand bytes of the script, after their number.
func (r *serverRun) chunk() []byte {
	n := min(int(r.next()), len(r.script))
	c := r.script[:n]
	r.script = r.script[n:]
	return c
}

// packets that make sense, at some moment.
var rightPackets = []string{
	"40", "40/a,", "40/dyn,", `40{"pid":"x","offset":"y"}`, "41", "41/a,", `2["join","r"]`, `2["bye"]`, `2["any",{"a":[1,"ü"]}]`,
	`21["any",null]`, "30[]", "31[1]", `51-["any",{"_placeholder":true,"num":0}]`, `2["unheard"]`, "2/a,[\"join\",\"r\"]", "2", "3",
}

// step does what a letter stands for.
func (r *serverRun) step(op byte) {
	c := r.cur
	switch op {
	case 'P': // a new client
		r.add(r.net.polling(4))
	case 'p':
		r.add(r.net.polling(3))
	case 'W':
		r.add(r.net.webSocket(4))
	case 'w':
		r.add(r.net.webSocket(3))
	case '.': // the next client's turn
		if len(r.clients) > 0 {
			r.cur = r.clients[(slices.Index(r.clients, c)+1)%len(r.clients)]
		}
	case 'S':
		time.Sleep(time.Duration(r.next()) * 200 * time.Millisecond)
	case 'q':
		synctest.Wait()
	case 'e':
		r.emit(r.next())
	case 'D', 'd':
		if s := r.socket(r.next()); s != nil {
			s.Disconnect(op == 'D')
		}
	case 'g': // any request
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // it may be a poll
		_, _, _ = r.net.do(ctx, "GET", string(r.chunk()), "")
		cancel()
	default:
		if c != nil {
			r.client(op, c)
		}
	}
}

func (r *serverRun) add(c *rawClient) {
	if c != nil && len(r.clients) < 5 {
		r.clients = append(r.clients, c)
		r.cur = c
	} else if c != nil {
		c.cut()
	}
}

// client does a step of one client's.
func (r *serverRun) client(op byte, c *rawClient) {
	switch op {
	case 'A': // into the root namespace
		c.say("40", false)
		synctest.Wait()
	case 'c':
		c.say("4"+rightPackets[int(r.next())%len(rightPackets)], false)
	case 'm', 'M':
		r.said++
		id := ""
		if op == 'M' {
			id = "7"
		}
		c.say(fmt.Sprintf(`42%s["m",%d]`, id, r.said), false)
	case 'x':
		c.say(string(r.chunk()), false)
	case 'y':
		c.say(string(r.chunk()), true)
	case 'r': // any bytes on the connection
		c.raw(r.chunk())
	case 'u': // an upgrade, in two steps
		c.probe()
	case 'U':
		c.upgrade()
	case 'H':
		c.hold(r.next()%2 == 1)
	case 'L':
		if r.next()%2 == 0 {
			c.cut()
		} else {
			c.say("1", false)
		}
	case 'R': // come back, if the server remembers
		if ticket := c.ticket(); ticket != "" {
			if again := r.net.webSocket(4); again != nil {
				again.back = true
				r.add(again)
				again.say("40"+ticket, false)
				synctest.Wait()
			}
		}
	}
}

// socket is one of those connected.
func (r *serverRun) socket(i byte) *socketio.Socket {
	synctest.Wait()
	var list []*socketio.Socket
	for ns := range r.io.Namespaces() {
		list = slices.AppendSeq(list, ns.Sockets())
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b *socketio.Socket) int {
		return strings.Compare(a.Namespace().Name()+a.Conn().ID(), b.Namespace().Name()+b.Conn().ID())
	})
	return list[int(i)%len(list)]
}

// emit is something that the application says.
func (r *serverRun) emit(how byte) {
	s := r.socket(how >> 4)
	if s == nil {
		return
	}
	r.number++
	pad := strings.Repeat("x", int(how%8)*40)
	one := func(err error) { r.emitted++ }
	switch how % 8 {
	case 0:
		one(s.Emit("n", r.number, pad))
	case 1:
		one(s.Volatile().Emit("n", r.number, pad))
	case 2:
		one(s.Emit("n", r.number, []byte{1, 2, 3}, pad))
	case 3:
		one(s.EmitFunc("n", time.Second, func(socketio.Ack, error) {}, r.number))
	default:
		b := s.Namespace().To()
		if how&8 != 0 {
			b = b.To("r")
		}
		list, err := b.FetchSockets(context.Background())
		if err != nil {
			r.t.Fatal(err)
		}
		r.emitted += uint64(len(list))
		switch how % 8 {
		case 4:
			err = b.Emit("n", r.number, pad)
		case 5:
			err = b.Volatile().Emit("n", r.number, pad)
		case 6:
			err = b.Compress(false).Emit("n", r.number, []byte(pad))
		case 7:
			_ = b.Timeout(time.Second).EmitWithAck(context.Background(), "n", r.number)
		}
		if err != nil {
			r.t.Error(err)
		}
	}
}

// finish ends all, and looks whether everything adds up.
func (r *serverRun) finish() {
	t := r.t
	synctest.Wait()
	st := r.io.Stats()
	if n := st.Engine.Sessions; n != st.Engine.Polling+st.Engine.WebSocket || int(st.Connected)-int(total(st.Disconnected)) != st.Sockets {
		t.Errorf("%d sessions, %d sockets of %d connected and %v gone", n, st.Sockets, st.Connected, st.Disconnected)
	}
	for i, c := range r.clients {
		if i%2 == 0 {
			c.cut()
		}
		c.hold(false)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = r.io.Shutdown(ctx) // of clients that do not poll, what is left is cut off
	for _, c := range r.clients {
		c.cut()
	}
	r.net.close()
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	st = r.io.Stats()
	if st.Sockets != 0 || st.Engine.Sessions != 0 || st.Engine.Polling != 0 || st.Engine.WebSocket != 0 {
		t.Errorf("%d sockets, %d sessions (%d, %d) are left", st.Sockets, st.Engine.Sessions, st.Engine.Polling, st.Engine.WebSocket)
	}
	if total(st.Disconnected) != st.Connected || total(st.Engine.Closed) != st.Engine.Opened {
		t.Errorf("%d sockets connected, ended %v; %d sessions opened, closed %v", st.Connected, st.Disconnected, st.Engine.Opened, st.Engine.Closed)
	}
	if st.Panics != 0 || st.Engine.Panics != 0 {
		t.Errorf("%d panics", st.Panics+st.Engine.Panics)
	}
	if all := r.emitted + r.acks.Load(); st.Sent+dropped(st) != all && !slices.ContainsFunc(r.clients, func(c *rawClient) bool { return c.back }) {
		t.Errorf("%d emitted, %d sent, dropped %v", all, st.Sent, st.Dropped)
	}
	if e := st.Engine; e.MessagesOut != e.Delivered+e.Abandoned {
		t.Errorf("the engine accepted %d, delivered %d, abandoned %d", e.MessagesOut, e.Delivered, e.Abandoned)
	}
	r.told.check(t, st)
	for _, c := range r.clients {
		c.check(t)
	}
}

func total[K comparable](m map[K]uint64) (n uint64) {
	for _, k := range m {
		n += k
	}
	return n
}
