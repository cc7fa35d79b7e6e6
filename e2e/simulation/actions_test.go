package simulation

import (
	"context"
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/internal/history"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// live is one life. The sleeps are in the bubble's fake time (TestSeeds runs it in
// one): they pass when everybody waits, and cost nothing.
func (w *world) live() {
	for range 2 + w.r.IntN(2) {
		w.start()
	}
	for range 6 {
		w.connect()
	}
	time.Sleep(2 * time.Second)
	for range 60 {
		w.act()
		if w.kind.cuts && w.r.IntN(12) == 0 {
			w.interrupt()
		}
		time.Sleep(time.Duration(w.r.Int64N(int64(1500 * time.Millisecond))))
	}
	// All is mended by now, or soon.
	time.Sleep(longest)
	w.bus.SetFaults(adaptertest.Faults{})
	time.Sleep(longest)
	for range 2 {
		for _, n := range w.nodes {
			w.emit(n, n.srv.Of("/").To(), history.Event{})
		}
		time.Sleep(time.Second)
	}
	w.asked.Wait()
	time.Sleep(w.rules.Travel + w.rules.Tell + time.Second)
	if w.settled != nil {
		w.settled()
	}
	for len(w.nodes) > 0 {
		w.end(w.nodes[0], false)
	}
}

// act does one thing that applications and their users do.
func (w *world) act() {
	n, c := w.anybody()
	io := n.srv.Of("/")
	one, two := w.room(), w.room()
	switch w.r.IntN(20) {
	case 0, 1:
		w.connect()
	case 2:
		if c != nil {
			c.Close()
		}
	case 3, 4:
		if c != nil {
			if s, ok := io.Socket(c.ID()); ok {
				_ = s.Join(one)
				s.Leave(two)
			}
		}
	case 5: // from anywhere
		if c != nil {
			from := w.one().srv
			from.To(c.ID()).SocketsJoin(one)
			from.In(c.ID(), two).SocketsLeave(two)
		}
	case 6:
		if c != nil && w.r.IntN(3) == 0 {
			w.one().srv.To(c.ID()).DisconnectSockets(w.r.IntN(2) == 0)
		}
	case 7, 8:
		w.emit(n, io.To(), history.Event{})
	case 9, 10, 11:
		w.emit(n, io.To(one), history.Event{Rooms: []string{one}})
		w.emit(n, io.To(one), history.Event{Rooms: []string{one}})
	case 12:
		w.emit(n, io.To(one, two), history.Event{Rooms: []string{one, two}})
	case 13:
		w.emit(n, io.To(one).Except(two), history.Event{Rooms: []string{one}, Except: []string{two}})
	case 14:
		w.emit(n, io.Except(two), history.Event{Except: []string{two}})
	case 15:
		w.emit(n, io.Volatile(), history.Event{May: true})
	case 16:
		if c != nil {
			from := w.one()
			w.emit(from, from.srv.To(c.ID()), history.Event{Rooms: []string{c.ID()}})
		}
	case 17:
		e := history.Event{Kind: history.Emit, ID: w.id(), Node: n.name, Sender: n.name, Rooms: []string{servers}, Except: []string{self(n.name)}}
		w.Add(e)
		_ = n.srv.ServerSideEmit("m", e.ID)
	case 18:
		w.askServers(n)
	case 19:
		w.askClients(n)
	}
}

// emit emits and records an event.
func (w *world) emit(n *node, to socketio.Broadcast, e history.Event) {
	e.Kind, e.ID, e.Node, e.Sender = history.Emit, w.id(), n.name, n.name
	if len(e.Rooms) == 1 {
		e.Lane = e.Rooms[0]
	}
	if len(e.Rooms) == 0 {
		e.Rooms = []string{clients}
	}
	w.Add(e)
	if err := to.Emit("m", e.ID); err != nil {
		w.t.Errorf("%v: %v", e, err)
	}
}

// askServers waits for the others in a goroutine of its own.
func (w *world) askServers(n *node) {
	e := history.Event{Kind: history.Ask, ID: w.id(), Node: n.name}
	w.Add(e)
	w.asked.Go(func() {
		start := time.Now()
		acks, err := n.srv.Of("/").ServerSideEmitWithAck(context.Background(), "ask")
		for _, a := range acks {
			var name string
			if err := a.Scan(&name); err != nil {
				w.t.Errorf("%v: %v", e, err)
			}
			w.Add(history.Event{Kind: history.Reply, ID: e.ID, From: name})
		}
		w.done(e, err, start)
	})
}

// askClients likewise; how many answer depends on too much to be checked here.
func (w *world) askClients(n *node) {
	e := history.Event{Kind: history.Ask, ID: w.id(), Node: n.name}
	w.asked.Go(func() {
		start := time.Now()
		seen := make(map[string]bool)
		for a, err := range n.srv.Of("/").Timeout(3*time.Second).EmitWithAck(context.Background(), "ask") {
			var missing *socketio.MissingAcksError
			if err != nil {
				if !errors.As(err, &missing) && !errors.Is(err, socketio.ErrClusterFull) && !errors.Is(err, socketio.ErrServerClosed) {
					w.t.Errorf("asking clients: %v", err)
				}
				continue
			}
			var name string
			if err := a.Scan(&name); err != nil || seen[name] {
				w.t.Errorf("asking clients: %q answers, again: %v, %v", name, seen[name], err)
			}
			seen[name] = true
		}
		if d := time.Since(start); d > 3*time.Second+100*time.Millisecond {
			w.t.Errorf("%v: clients were waited for for %v", e, d)
		}
	})
}

// done records the end of a wait, which the other nodes' life decides.
func (w *world) done(e history.Event, err error, start time.Time) {
	if d := time.Since(start); d > 5*time.Second+100*time.Millisecond {
		w.t.Errorf("%v: waited for %v", e, d)
	}
	end := history.Event{Kind: history.Done, ID: e.ID}
	var missing *socketio.MissingAcksError
	switch {
	case err == nil:
	case errors.As(err, &missing):
		end.Missing = missing.Nodes
	case errors.Is(err, socketio.ErrClusterFull), errors.Is(err, socketio.ErrServerClosed):
		// Nobody was asked: all are missing.
		for i := range 100 {
			end.Missing = append(end.Missing, nodeName(i))
		}
	default:
		w.t.Errorf("%v: %v", e, err)
	}
	w.Add(end)
}

// interrupt breaks something, and mends it after a while.
func (w *world) interrupt() {
	length := time.Duration(w.r.Int64N(int64(longest)))
	n, other := w.one(), w.one()
	switch w.r.IntN(8) {
	case 0, 1:
		w.bus.Cut(n.name)
		time.AfterFunc(length, func() { w.bus.Mend(n.name) })
	case 2, 3:
		if n != other {
			w.bus.Split(n.name, other.name)
			time.AfterFunc(length, func() { w.bus.Unite(n.name, other.name) })
		}
	case 4:
		w.bus.Stop()
		time.AfterFunc(length, w.bus.Start)
	case 5:
		w.bus.Pause()
		time.AfterFunc(length, w.bus.Resume)
	case 6:
		if len(w.nodes) > 1 {
			w.end(n, w.r.IntN(2) == 0)
		}
	case 7:
		if len(w.nodes) < 4 {
			w.start()
		}
	}
}
