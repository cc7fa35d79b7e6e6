package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// app is the application of the server under test. It keeps books of its own,
// to be compared with the server's.
type app struct {
	io   *socketio.Server
	allN uint64 // messages to all so far
	books

	mu         sync.Mutex
	complaints []string
}

// books counts what the application has asked for.
type books struct {
	Emitted  counter // packets, one for each receiver
	Asked    counter // questions with a function to be called
	Answered counter // calls of it
	Panicked counter
	Rooms    counter // that exist now
	In       counter // events that handlers were called with
}

type counter struct{ n atomic.Int64 }

func (c *counter) add(n int)                    { c.n.Add(int64(n)) }
func (c *counter) value() int64                 { return c.n.Load() }
func (c *counter) MarshalJSON() ([]byte, error) { return fmt.Append(nil, c.value()), nil }
func (c *counter) UnmarshalJSON(b []byte) error {
	var n int64
	_, err := fmt.Sscan(string(b), &n)
	c.n.Store(n)
	return err
}

func (a *app) wrong(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.complaints) < 20 {
		a.complaints = append(a.complaints, fmt.Sprintf(format, args...))
	}
}

// spoken counts what a socket has said in each room. Its handlers run one at a
// time, and so it needs no lock.
type spoken map[string]uint64

const spokenKey socketio.Key[spoken] = "spoken"

func (a *app) register(ns *socketio.Namespace) {
	ns.OnRoom(func(e socketio.RoomEvent) {
		switch e.Kind {
		case socketio.RoomCreated:
			a.Rooms.add(1)
		case socketio.RoomDeleted:
			a.Rooms.add(-1)
		}
	})
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Stranger bool }
		if err := s.Handshake().DecodeAuth(&auth); err == nil && auth.Stranger {
			return socketio.Errorf("stranger", "who are you?")
		}
		return nil
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) { spokenKey.Set(s, spoken{}) })
	ns.OnError(func(_ context.Context, s *socketio.Socket, event string, err error) {
		var p *socketio.PanicError
		if !errors.As(err, &p) {
			a.wrong("the handler of %q failed for %s: %v", event, s.ID(), err)
		}
	})
	// A broadcast's receivers are counted where it meets them.
	ns.OnAnyOutgoing(func(_ *socketio.Socket, event string, _ []any) {
		switch event {
		case "said", "hint", "all":
			a.Emitted.add(1)
		}
	})
	for event, h := range map[string]func(context.Context, *socketio.Socket, *socketio.Request) error{
		"echo": a.echo, "join": a.join, "leave": a.leave, "say": a.say, "blob": a.say, "hint": a.hint,
		"ask me": a.askMe, "ask me later": a.askLater, "ask all": a.askAll,
		"burst": a.burst, "panic": a.panics, "kick": a.kick,
	} {
		ns.On(event, func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
			a.In.add(1)
			return h(ctx, s, r)
		})
	}
}

// ack answers a request, and books that.
func (a *app) ack(r *socketio.Request, args ...any) error {
	if r.WantsAck() {
		a.Emitted.add(1)
	}
	return ignoreLoss(r.Ack(args...))
}

// ignoreLoss is for clients that have gone meanwhile.
func ignoreLoss(err error) error {
	for _, gone := range []error{socketio.ErrDisconnected, engineio.ErrClosed, engineio.ErrQueueFull} {
		if errors.Is(err, gone) {
			return nil
		}
	}
	return err
}

func (a *app) echo(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
	args := make([]any, r.Len())
	for i := range args {
		args[i] = r.Arg(i)
	}
	return a.ack(r, args...)
}

func (a *app) join(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var room string
	if err := r.Scan(&room); err != nil {
		return err
	}
	return errors.Join(ignoreLoss(s.Join(room)), a.ack(r))
}

func (a *app) leave(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var room string
	if err := r.Scan(&room); err != nil {
		return err
	}
	s.Leave(room)
	return a.ack(r)
}

// say passes a message on to a room: its number, and text or bytes.
func (a *app) say(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var room string
	var n uint64
	if err := r.Scan(&room, &n); err != nil {
		return err
	}
	said, _ := spokenKey.Get(s)
	if n != said[room]+1 {
		a.wrong("message %d of %s came after %d", n, s.ID(), said[room])
	}
	said[room] = n
	what := any(r.Arg(2))
	if r.Event() == "blob" {
		var raw []byte
		if err := r.Scan(nil, nil, &raw); err != nil {
			return err
		}
		what = raw
	}
	return errors.Join(s.Namespace().In(room).Emit("said", s.ID(), room, n, what), a.ack(r, n))
}

func (a *app) hint(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var room string
	var n uint64
	if err := r.Scan(&room, &n); err != nil {
		return err
	}
	return s.Namespace().In(room).Volatile().Emit("hint", s.ID(), room, n)
}

// askMe asks the sender something, and waits for the answer.
func (a *app) askMe(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
	a.Emitted.add(1)
	answer, err := s.EmitWithAck(ctx, "question", s.ID())
	if err == nil {
		a.checkAnswer(s.ID(), answer)
	}
	return a.ack(r, err == nil)
}

func (a *app) checkAnswer(question string, answer socketio.Ack) {
	var said string
	if err := answer.Scan(&said); err != nil || said != "re "+question {
		a.wrong("the question %s was answered with %q, %v", question, said, err)
	}
}

// askLater asks without waiting. The function is to be called once, whatever
// becomes of the client.
func (a *app) askLater(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var called atomic.Bool
	a.Emitted.add(1)
	err := s.EmitFunc("question", 0, func(answer socketio.Ack, err error) {
		if called.Swap(true) {
			a.wrong("a question of %s was answered twice", s.ID())
		}
		a.Answered.add(1)
		if err == nil {
			a.checkAnswer(s.ID(), answer)
		}
	}, s.ID())
	if err == nil {
		a.Asked.add(1)
	}
	return a.ack(r, err == nil)
}

// askTimeout bounds the wait for those in a room that do not answer.
const askTimeout = 3 * time.Second

// askAll asks a room. Somebody there may never answer.
func (a *app) askAll(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
	var room string
	if err := r.Scan(&room); err != nil {
		return err
	}
	answers, missing := 0, 0
	for answer, err := range s.Namespace().In(room).Timeout(askTimeout).EmitWithAck(ctx, "question", room) {
		var few *socketio.MissingAcksError
		switch {
		case err == nil:
			answers++
			a.checkAnswer(room, answer)
		case errors.As(err, &few):
			missing = few.Missing
		default:
			a.wrong("a room was asked: %v", err)
		}
	}
	a.Emitted.add(answers + missing)
	return a.ack(r, answers)
}

// burst sends more than a client that does not read can be owed.
func (a *app) burst(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var n, size int
	if err := r.Scan(&n, &size); err != nil {
		return err
	}
	pad := strings.Repeat("x", size)
	for range n {
		a.Emitted.add(1)
		if err := s.Emit("burst", pad); err != nil {
			break
		}
	}
	return a.ack(r)
}

func (a *app) panics(context.Context, *socketio.Socket, *socketio.Request) error {
	a.Panicked.add(1)
	panic("as asked")
}

func (a *app) kick(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
	var all bool
	if err := r.Scan(&all); err != nil {
		return err
	}
	s.Disconnect(all)
	return nil
}
