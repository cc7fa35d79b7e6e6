package socketio_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Every emit is accounted for. Random joins, emits, questions both ways, losses,
// returns and slow readers, and in the end the books balance: what was emitted
// was sent or dropped, what was sent was delivered or abandoned, who left in
// peace got all of it, nobody got anything twice, and the hooks of Trace were
// told what the counters say.
func TestBooksBalance(t *testing.T) {
	var all fates
	for _, policy := range []engineio.SlowPolicy{engineio.Close, engineio.DropVolatile, engineio.DropOldest} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("policy %d, seed %d", policy, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBooks(t, policy, seed)
					for range 8 {
						b.connect()
					}
					for range 400 {
						b.step()
					}
					a := b.close()
					all.delivered += a.delivered
					all.abandoned += a.abandoned
					all.dropped += a.dropped
					all.answered += a.answered
					all.replayed += a.replayed
				})
			})
		}
	}
	if all.delivered == 0 || all.abandoned == 0 || all.dropped == 0 || all.answered == 0 || all.replayed == 0 {
		t.Errorf("the test is too tame: %+v", all)
	}
	t.Logf("%+v", all)
}

// fates is how often one run has seen each fate.
type fates struct{ delivered, abandoned, dropped, answered, replayed uint64 }

// party is a client and what the test knows of it.
type party struct {
	c      *socketiotest.Client
	o      socketiotest.Options
	s      *socketio.Socket
	sent   int          // events that the server has accepted for it
	seen   map[int]bool // the numbers of those it has received
	got    int
	rough  bool // it was cut, or made slow: nothing is promised
	cut    bool // and may come back
	gone   bool // for good
	silent bool // it does not read
}

// leave closes the connection; one that is not read from cannot do so in an
// orderly way.
func (p *party) leave() {
	if p.silent {
		p.c.Cut()
	} else {
		p.c.Close()
	}
}

// books is one run.
type books struct {
	t        *testing.T
	rng      *rand.Rand
	io       *socketio.Server
	srv      *socketiotest.Server
	told     *ledger
	parties  []*party
	number   int
	emitted  uint64 // packets, one for each receiver
	acks     atomic.Uint64
	replayed uint64
	asked    int
	answered atomic.Int64
}

func newBooks(t *testing.T, policy engineio.SlowPolicy, seed uint64) *books {
	opts := quiet()
	opts.Engine.SlowPolicy = policy
	opts.Engine.MaxQueue = 20_000
	if seed%2 == 1 {
		opts.Recovery = &socketio.Recovery{}
	}
	b := &books{t: t, rng: rand.New(rand.NewPCG(seed, uint64(policy)))}
	b.told = trace(opts)
	b.io = socketio.New(opts)
	b.io.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		b.acks.Add(1)
		_ = r.Ack(r.Arg(0)) // it is counted, one way or the other
		return nil
	})
	b.srv = socketiotest.Serve(t, b.io)
	return b
}

func (b *books) connect() {
	p := &party{seen: make(map[int]bool)}
	got := func(e *socketiotest.Event) {
		var n int
		e.Scan(&n)
		if p.seen[n] {
			b.t.Errorf("event %d has come twice", n)
		}
		p.seen[n] = true
		p.got++
	}
	transports := []string{socketiotest.WebSocket, socketiotest.Polling, socketiotest.Upgrade}
	p.o = socketiotest.Options{
		Transport: transports[b.rng.IntN(len(transports))],
		Handle: map[string]func(*socketiotest.Event){
			"n":        got,
			"question": func(e *socketiotest.Event) { got(e); e.Ack(1) },
		},
	}
	p.c = b.srv.Connect(&p.o)
	b.join(p)
	b.parties = append(b.parties, p)
}

func (b *books) join(p *party) {
	synctest.Wait()
	p.s, _ = b.io.Of("/").Socket(p.c.ID())
}

// back has a client that was cut off connect again. What it missed is sent to
// it without being emitted anew.
func (b *books) back(p *party) {
	synctest.Wait()
	before := b.io.Stats()
	o := p.o
	o.Auth = p.c.Recovery()
	p.cut, p.gone = false, true
	if c, err := b.srv.Dial(&o); err == nil { // not if it has missed too much
		p.c, p.gone = c, false
		b.join(p)
	}
	synctest.Wait()
	after := b.io.Stats()
	b.replayed += after.Sent - before.Sent + dropped(after) - dropped(before)
}

var pad = strings.Repeat("x", 1000)

// step is one random thing.
func (b *books) step() {
	p := b.parties[b.rng.IntN(len(b.parties))]
	room := fmt.Sprint("r", b.rng.IntN(3))
	switch op := b.rng.IntN(24); {
	case op < 3:
		_ = p.s.Join(room) // it may be gone
	case op < 4:
		p.s.Leave(room)
	case op < 8:
		b.one(p, func(n int) error {
			if n%3 == 0 { // what is dropped is dropped whole, or the client cannot make sense of the rest
				return p.s.Emit("n", n, []byte(pad), []byte{1})
			}
			return p.s.Emit("n", n, pad)
		})
	case op < 9:
		b.one(p, func(n int) error { return p.s.Volatile().Emit("n", n, pad) })
	case op < 11: // a question, to be answered once, one way or the other
		b.asked++
		b.one(p, func(n int) error {
			err := p.s.EmitFunc("question", time.Minute, func(socketio.Ack, error) { b.answered.Add(1) }, n, pad)
			if err != nil {
				b.answered.Add(1)
			}
			return err
		})
	case op < 15:
		b.many(room, func(n int) error { return b.io.In(room).Emit("n", n, pad) })
	case op < 16:
		b.many(room, func(n int) error { _ = b.io.In(room).EmitWithAck(context.Background(), "question", n, pad); return nil })
	case op < 17: // a question of the client's
		if p.c.Connected() && !p.silent {
			_ = p.c.SendRaw(`277["echo","again"]`) // it may be on its way out
		}
	case op < 18 && !p.cut && !p.gone:
		p.rough, p.cut = true, true
		p.c.Cut()
	case op < 19 && !p.silent:
		p.rough, p.silent = true, true
		p.c.StopReading()
	case op < 20:
		p.rough = true // what is on its way need not arrive
		p.leave()
	case op < 21:
		p.rough = true
		p.s.Disconnect(b.rng.IntN(2) == 0)
	case op < 22:
		for _, p := range b.parties {
			if p.cut && !p.silent {
				b.back(p)
				break
			}
		}
	default:
		b.connect()
	}
	if b.rng.IntN(4) == 0 {
		time.Sleep(time.Duration(b.rng.IntN(2000)) * time.Millisecond)
	}
}

// one emits to one.
func (b *books) one(p *party, emit func(n int) error) {
	b.number++
	b.emitted++
	if emit(b.number) == nil {
		p.sent++
	}
}

// many emits to those in room.
func (b *books) many(room string, emit func(n int) error) {
	synctest.Wait()
	sockets, err := b.io.In(room).FetchSockets(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	b.number++
	b.emitted += uint64(len(sockets))
	before := b.io.Stats()
	if err := emit(b.number); err != nil {
		b.t.Fatal(err)
	}
	after := b.io.Stats()
	if n := after.Sent - before.Sent + dropped(after) - dropped(before); n != uint64(len(sockets)) {
		b.t.Fatalf("a broadcast to %d sockets was accounted for %d times", len(sockets), n)
	}
	for _, r := range sockets {
		for _, q := range b.parties {
			if q.s.ID() == r.ID() {
				q.sent++
			}
		}
	}
}

// close ends the run and balances the books.
func (b *books) close() fates {
	t := b.t
	synctest.Wait()
	time.Sleep(time.Second)
	for _, p := range b.parties {
		if !p.rough && p.got != p.sent {
			t.Errorf("%s got %d of %d", p.c.ID(), p.got, p.sent)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(30*time.Second))
	defer cancel()
	if err := b.io.Shutdown(ctx); err != nil {
		t.Logf("shutdown: %v", err) // slow readers do not take what is left
	}
	for _, p := range b.parties {
		p.leave()
	}
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	st := b.io.Stats()
	if all := b.emitted + b.acks.Load() + b.replayed; st.Sent+dropped(st) != all {
		t.Errorf("%d emitted, %d sent, dropped %v", all, st.Sent, st.Dropped)
	}
	if e := st.Engine; e.MessagesOut != e.Delivered+e.Abandoned {
		t.Errorf("the engine accepted %d, delivered %d, abandoned %d", e.MessagesOut, e.Delivered, e.Abandoned)
	}
	if st.Sockets != 0 || st.Engine.Sessions != 0 {
		t.Errorf("%d sockets, %d sessions are left", st.Sockets, st.Engine.Sessions)
	}
	var ends uint64
	for _, n := range st.Disconnected {
		ends += n
	}
	if ends != st.Connected {
		t.Errorf("%d sockets connected, %d ended", st.Connected, ends)
	}
	if int(b.answered.Load()) != b.asked {
		t.Errorf("%d questions, %d answers or failures", b.asked, b.answered.Load())
	}
	b.told.check(t, st)
	return fates{st.Engine.Delivered, st.Engine.Abandoned, dropped(st), b.acks.Load(), b.replayed}
}

// The books are those of what the application emits: a DISCONNECT that cannot
// be sent any more is no dropped event, as one that is sent is no sent event.
func TestBooksLeaveControlOut(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		io.On("bye", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
			s.Conn().CloseNow(engineio.TransportClose, nil)
			s.Disconnect(false)
			return nil
		})
		c := socketiotest.Serve(t, io).Connect(o)
		_ = c.Emit("bye") // over polling the end may come before the answer
		c.Disconnected()
		synctest.Wait()
		if st := io.Stats(); st.Sent != 0 || dropped(st) != 0 {
			t.Errorf("nothing was emitted; %d sent, dropped %v", st.Sent, st.Dropped)
		}
	})
}

func dropped(st socketio.Stats) (n uint64) {
	for _, k := range st.Dropped {
		n += k
	}
	return n
}

// ledger adds up what the hooks are told.
type ledger struct {
	mu                         sync.Mutex
	sent, delivered, abandoned uint64
	dropped                    map[socketio.Drop]uint64
	refused                    map[engineio.Drop]uint64
}

// trace has everything told that there is to be told.
func trace(opts *socketio.Options) *ledger {
	l := &ledger{dropped: make(map[socketio.Drop]uint64), refused: make(map[engineio.Drop]uint64)}
	note := func(f func()) { l.mu.Lock(); f(); l.mu.Unlock() }
	opts.Trace = &socketio.Trace{
		Sent:    func(*socketio.Socket, string) { note(func() { l.sent++ }) },
		Dropped: func(_ *socketio.Socket, _ string, why socketio.Drop) { note(func() { l.dropped[why]++ }) },
	}
	opts.Engine.Trace = &engineio.Trace{
		Delivered: func(_ *engineio.Session, n int) { note(func() { l.delivered += uint64(n) }) },
		Abandoned: func(_ *engineio.Session, n int) { note(func() { l.abandoned += uint64(n) }) },
		Dropped:   func(_ *engineio.Session, _ *engineio.Message, why engineio.Drop) { note(func() { l.refused[why]++ }) },
	}
	return l
}

// met are the counts that are not zero.
func met[K comparable](m map[K]uint64) map[K]uint64 {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(_ K, n uint64) bool { return n == 0 })
	return m
}

func (l *ledger) check(t *testing.T, st socketio.Stats) {
	t.Helper()
	if l.sent != st.Sent || !maps.Equal(l.dropped, met(st.Dropped)) {
		t.Errorf("the hooks were told of %d sent, dropped %v; counted are %d, %v", l.sent, l.dropped, st.Sent, st.Dropped)
	}
	if l.delivered != st.Engine.Delivered || l.abandoned != st.Engine.Abandoned || !maps.Equal(l.refused, met(st.Engine.Dropped)) {
		t.Errorf("the engine's hooks were told of %d delivered, %d abandoned, dropped %v; counted are %d, %d, %v",
			l.delivered, l.abandoned, l.refused, st.Engine.Delivered, st.Engine.Abandoned, st.Engine.Dropped)
	}
}
