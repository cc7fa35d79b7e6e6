//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// fanout sends messages of which each reaches many clients.
type fanout struct {
	l       *loop
	body    *payload
	rooms   int
	members []int // receivers of a message, by room
	buf     []byte

	next  uint64 // sequence number of the next message
	open  int    // messages not yet received by all
	slots []slot // ring over sequence numbers

	measuring  bool
	lat        *hist
	sent       uint64
	deliveries uint64
	bad        uint64
}

type slot struct {
	seq     uint64
	at      int64 // when it was (to be) sent
	left    int   // deliveries missing
	counted bool  // sent inside the measured window
}

const ring = 1 << 16

func runFanout(l *loop, g *gauge, cfg *config, r *result) error {
	body, err := newPayload(cfg.kind, cfg.size)
	if err != nil {
		return err
	}
	f := &fanout{l: l, body: body, slots: make([]slot, ring), lat: new(hist), next: 1}
	if cfg.scenario == "rooms" {
		f.rooms = cfg.rooms
	}
	r.Payload, r.Rooms, r.Rate, r.Slow = cfg.payload(), f.rooms, cfg.rate, cfg.slow
	if cfg.rate == 0 {
		r.Window = cfg.window
	}
	if err := l.connect(cfg.clients, cfg.width, cfg.connectLimit); err != nil {
		return err
	}
	if err := f.join(cfg.connectLimit); err != nil {
		return err
	}
	if err := f.slowDown(cfg.slow); err != nil {
		return err
	}
	w := watch(g, cfg.slow)
	defer w.stop(r)
	l.message = f.receive
	start := now() + int64(cfg.warmup)
	end := start + int64(cfg.duration)
	drive := func(until int64) error {
		if cfg.rate > 0 {
			return f.openLoop(until, cfg.rate)
		}
		return f.closedLoop(until, cfg.window)
	}
	if err := drive(start); err != nil {
		return err
	}
	f.measuring = true
	g.start()
	t0 := now()
	if err := drive(end); err != nil {
		return err
	}
	// CPU and deliveries are counted to the last delivery, so that work for
	// messages still under way is not lost from either.
	if err := l.runUntil(now()+int64(cfg.drain), func() bool { return f.open == 0 }); err != nil {
		return err
	}
	r.finish(g, now()-t0, f.deliveries)
	r.Messages, r.Deliveries, r.Bad, r.Latency = f.sent, f.deliveries, f.bad, f.lat.summary(cfg.curve)
	for _, s := range f.slots {
		if s.counted && s.left > 0 {
			r.Lost += uint64(s.left)
		}
	}
	if l.failed > 0 {
		return l.firstE
	}
	return nil
}

// join spreads the clients over the rooms.
func (f *fanout) join(limit time.Duration) error {
	if f.rooms == 0 {
		f.members = []int{len(f.l.conns)}
		return nil
	}
	if f.rooms > len(f.l.conns) {
		return errors.New("more rooms than clients")
	}
	f.members = make([]int, f.rooms)
	joined := 0
	f.l.message = func(_ *conn, p []byte) {
		if bytes.HasPrefix(p, []byte("31[")) {
			joined++
		}
	}
	for _, c := range f.l.conns {
		room := c.id % f.rooms
		f.members[room]++
		f.l.send(c, fmt.Appendf(nil, `421["join","r%d"]`, room))
	}
	done := func() bool { return joined == len(f.l.conns) }
	if err := f.l.runUntil(now()+int64(limit), done); err != nil {
		return err
	}
	if !done() {
		return fmt.Errorf("%d of %d joins acknowledged", joined, len(f.l.conns))
	}
	return nil
}

// slowDown stops reading the last k clients. What reaches them is not counted.
func (f *fanout) slowDown(k int) error {
	if k == 0 {
		return nil
	}
	if f.rooms > 0 || k >= len(f.l.conns) {
		return errors.New("-slow is for broadcast, and for fewer than all clients")
	}
	for _, c := range f.l.conns[len(f.l.conns)-k:] {
		if err := f.l.pause(c); err != nil {
			return err
		}
	}
	f.members[0] -= k
	return nil
}

// emit sends the next message, from client 0 to everybody or from a member of
// a room to that room.
func (f *fanout) emit(at int64) {
	seq := f.next
	f.next++
	room, from := 0, f.l.conns[0]
	if f.rooms > 0 {
		room = int(seq*2654435761>>7) % f.rooms
		from = f.l.conns[room]
		f.buf = fmt.Appendf(f.buf[:0], `42["room","r%d",`, room)
	} else {
		f.buf = append(f.buf[:0], `42["broadcast",`...)
	}
	f.buf = append(f.buf, f.body.set(seq)...)
	f.buf = append(f.buf, ']')
	s := &f.slots[seq%ring]
	*s = slot{seq: seq, at: at, left: f.members[room], counted: f.measuring}
	f.open++
	if f.measuring {
		f.sent++
	}
	f.l.send(from, f.buf)
}

func (f *fanout) receive(_ *conn, p []byte) {
	seq, ok := findSeq(p)
	if !ok {
		f.bad++
		return
	}
	s := &f.slots[seq%ring]
	if s.seq != seq || s.left == 0 {
		f.bad++
		return
	}
	s.left--
	if s.left == 0 {
		f.open--
	}
	if s.counted {
		f.deliveries++
		f.lat.add(now() - s.at)
	}
}

// closedLoop keeps window messages under way.
func (f *fanout) closedLoop(until int64, window int) error {
	for now() < until {
		for f.open < window {
			f.emit(now())
		}
		if err := f.l.poll(10 * time.Millisecond); err != nil {
			return err
		}
	}
	return f.l.runUntil(now()+int64(5*time.Second), func() bool { return f.open == 0 })
}

// openLoop sends at a fixed rate whatever comes back; a message's latency
// counts from the time it was due.
func (f *fanout) openLoop(until int64, rate int) error {
	step := int64(time.Second) / int64(rate)
	for due := now(); due < until; {
		t := now()
		for due <= t && due < until {
			f.emit(due)
			due += step
		}
		if err := f.l.poll(time.Duration(due - now())); err != nil {
			return err
		}
	}
	return nil
}
