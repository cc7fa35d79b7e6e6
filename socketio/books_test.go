package socketio_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Every emit is accounted for. Random joins, emits, losses and slow readers,
// and in the end the books balance: what was emitted was sent or dropped, what
// was sent was delivered or abandoned, and who left in peace got all of it.
func TestBooksBalance(t *testing.T) {
	var all fates
	for _, policy := range []engineio.SlowPolicy{engineio.Close, engineio.DropVolatile, engineio.DropOldest} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("policy %d, seed %d", policy, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := balance(t, policy, seed)
					all.delivered += a.delivered
					all.abandoned += a.abandoned
					all.dropped += a.dropped
				})
			})
		}
	}
	if all.delivered == 0 || all.abandoned == 0 || all.dropped == 0 {
		t.Errorf("the test is too tame: %+v", all)
	}
	t.Logf("%+v", all)
}

// party is a client and what the test knows of it.
type party struct {
	c      *socketiotest.Client
	s      *socketio.Socket
	sent   int  // events that the server has accepted for it
	got    int  // those it has received
	rough  bool // it was cut, or made slow: nothing is promised
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

// fates is what one run has seen of each fate.
type fates struct{ delivered, abandoned, dropped uint64 }

func balance(t *testing.T, policy engineio.SlowPolicy, seed uint64) (a fates) {
	rng := rand.New(rand.NewPCG(seed, uint64(policy)))
	opts := quiet()
	opts.Engine.SlowPolicy = policy
	opts.Engine.MaxQueue = 20_000
	io := socketio.New(opts)
	srv := socketiotest.Serve(t, io)
	transports := []string{socketiotest.WebSocket, socketiotest.Polling, socketiotest.Upgrade}
	var parties []*party
	emitted := uint64(0) // packets, one for each receiver
	pad := string(make([]byte, 1000))

	connect := func() {
		p := &party{}
		p.c = srv.Connect(&socketiotest.Options{
			Transport: transports[rng.IntN(len(transports))],
			Handle:    map[string]func(*socketiotest.Event){"n": func(*socketiotest.Event) { p.got++ }},
		})
		synctest.Wait()
		p.s, _ = io.Of("/").Socket(p.c.ID())
		parties = append(parties, p)
	}
	for range 8 {
		connect()
	}
	for range 400 {
		p := parties[rng.IntN(len(parties))]
		switch op := rng.IntN(20); {
		case op < 3:
			_ = p.s.Join(fmt.Sprint("r", rng.IntN(3))) // it may be gone
		case op < 4:
			p.s.Leave(fmt.Sprint("r", rng.IntN(3)))
		case op < 8: // to one
			emitted++
			if p.s.Emit("n", pad) == nil {
				p.sent++
			}
		case op < 9:
			emitted++
			if p.s.Volatile().Emit("n", pad) == nil {
				p.sent++
			}
		case op < 15: // to many
			synctest.Wait()
			room := fmt.Sprint("r", rng.IntN(3))
			sockets, err := io.In(room).FetchSockets(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			before := io.Stats()
			if err := io.In(room).Emit("n", pad); err != nil {
				t.Fatal(err)
			}
			emitted += uint64(len(sockets))
			after := io.Stats()
			if n := after.Sent - before.Sent + dropped(after) - dropped(before); n != uint64(len(sockets)) {
				t.Fatalf("a broadcast to %d sockets was accounted for %d times", len(sockets), n)
			}
			for _, r := range sockets {
				for _, q := range parties {
					if q.s.ID() == r.ID() {
						q.sent++
					}
				}
			}
		case op < 16:
			p.rough = true
			p.c.Cut()
		case op < 17 && !p.silent:
			p.rough, p.silent = true, true
			p.c.StopReading()
		case op < 18:
			p.rough = true // what is on its way need not arrive
			p.leave()
		case op < 19:
			p.rough = true
			p.s.Disconnect(rng.IntN(2) == 0)
		default:
			connect()
		}
		if rng.IntN(4) == 0 {
			time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
		}
	}
	synctest.Wait()
	time.Sleep(time.Second)
	for _, p := range parties {
		if !p.rough && p.got != p.sent {
			t.Errorf("%s got %d of %d", p.c.ID(), p.got, p.sent)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := io.Shutdown(ctx); err != nil {
		t.Logf("shutdown: %v", err) // slow readers do not take what is left
	}
	for _, p := range parties {
		p.leave()
	}
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	st := io.Stats()
	if st.Sent+dropped(st) != emitted {
		t.Errorf("%d emitted, %d sent, dropped %v", emitted, st.Sent, st.Dropped)
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
	return fates{st.Engine.Delivered, st.Engine.Abandoned, dropped(st)}
}

func dropped(st socketio.Stats) (n uint64) {
	for _, k := range st.Dropped {
		n += k
	}
	return n
}
