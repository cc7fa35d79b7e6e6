package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// visit is one connection of a client, from its handshake to its end, and what
// the client knows of it. The client's own goroutine acts, another one reads.
type visit struct {
	c         *client
	transport string // websocket, polling or upgraded
	eio       int
	session   string // its id
	id        string // of the socket

	out      sync.Mutex    // held while the packets of one message are sent
	parked   chan struct{} // closed when the reader has stopped polling for an upgrade
	switched chan link     // what it is to read from then; nil: nothing
	gate     sync.Mutex    // who holds it keeps the reader from reading
	ended    chan struct{} // the reader has ended, because of err
	err      error
	mayEnd   atomic.Bool // the end is no loss: this side asked for it
	mute     atomic.Bool // questions of the server are not answered
	fault    atomic.Pointer[string]
	pinged   time.Time // when this side pinged last; revision 3

	mu      sync.Mutex // guards what follows
	link    link
	streams map[stream]uint64
	rooms   map[string]bool // joined; false: left again, never to be joined anew
	said    map[string]uint64
	all     uint64 // the last message to all
	waiting map[int64]chan *message
	nextID  int64
	side    map[string]chan *message // answers to CONNECT, by namespace
	partial *message                 // its attachments are awaited
}

// stream is what one sender says in one room: numbered from 1 on.
type stream struct{ sender, room string }

var errGone = errors.New("the connection has ended")

// connect opens a connection and joins the root namespace.
func (c *client) connect() (*visit, error) {
	v := &visit{
		c: c, eio: 4, transport: "websocket", parked: make(chan struct{}), switched: make(chan link, 1), ended: make(chan struct{}),
		streams: map[stream]uint64{}, rooms: map[string]bool{}, said: map[string]uint64{},
		waiting: map[int64]chan *message{}, side: map[string]chan *message{}, pinged: time.Now(),
	}
	if c.rng.IntN(5) == 0 {
		v.eio = 3
	}
	switch c.rng.IntN(10) {
	case 0, 1:
		v.transport = "polling"
	case 2, 3:
		v.transport = "upgraded"
	}
	c.crowd.dials <- struct{}{}
	defer func() { <-c.crowd.dials }()
	if err := v.open(); err != nil {
		if v.link != nil { // nobody else knows it yet
			v.link.cut()
		}
		return nil, fmt.Errorf("%s: %w", v, err)
	}
	go v.read()
	if v.transport == "upgraded" {
		if err := v.upgrade(); err != nil {
			v.c.crowd.open.Add(1)
			v.finish()
			return nil, fmt.Errorf("%s: upgrade: %w", v, err)
		}
	}
	return v, nil
}

func (v *visit) String() string {
	after := ""
	if name := v.fault.Load(); name != nil {
		after = ", after: " + *name
	}
	return fmt.Sprintf("client %d (%s, revision %d%s)", v.c.no, v.transport, v.eio, after)
}

func query(eio int) string {
	if eio == 3 {
		return "EIO=3&b64=1"
	}
	return "EIO=4"
}

// open does the handshakes of both protocols.
func (v *visit) open() error {
	sid, err := v.openLink()
	if err != nil {
		return err
	}
	v.session = sid
	if v.eio == 4 {
		if err := v.link.send(text("40")); err != nil {
			return err
		}
	}
	for {
		p, err := v.link.recv()
		if err != nil {
			return err
		}
		if p.binary || len(p.data) < 2 || string(p.data[:2]) != "40" {
			continue
		}
		v.id = sid
		if v.eio == 4 {
			var body struct{ SID string }
			err = json.Unmarshal(p.data[2:], &body)
			v.id = body.SID
		}
		return err
	}
}

// openLink opens the transport and reads its first packet.
func (v *visit) openLink() (sid string, err error) {
	addr, q := v.c.crowd.addr, query(v.eio)
	if v.transport == "websocket" {
		w, err := dialWebSocket(addr, v.eio, q)
		if err != nil {
			return "", err
		}
		v.link = w
		return openPacket(w)
	}
	p, err := dialPolling(addr, v.eio, q)
	if err != nil {
		return "", err
	}
	v.link = p
	if sid, err = openPacket(p); err == nil {
		p.query += "&sid=" + sid
		v.c.crowd.polls(p)
	}
	return sid, err
}

func openPacket(l link) (sid string, err error) {
	p, err := l.recv()
	if err != nil {
		return "", err
	}
	var open struct{ SID string }
	if len(p.data) == 0 || p.data[0] != '0' || json.Unmarshal(p.data[1:], &open) != nil || open.SID == "" {
		return "", fmt.Errorf("the session begins with %.60q", p.data)
	}
	return open.SID, nil
}

// upgrade takes a polling connection to websocket, as official clients do.
func (v *visit) upgrade() error {
	p := v.link.(*polling)
	w, err := v.probe(p)
	if err != nil {
		return err
	}
	p.pause()
	select {
	case <-v.parked: // and no post is under way: this goroutine is the only other one that sends
	case <-v.ended:
		w.cut()
		return v.err
	}
	if err := w.send(text("5")); err != nil {
		w.cut()
		return err
	}
	p.hangUp()
	v.use(w)
	v.switched <- w
	return nil
}

// probe opens the websocket that may take over.
func (v *visit) probe(p *polling) (*webSocket, error) {
	w, err := dialWebSocket(p.addr, p.eio, p.query)
	if err != nil {
		return nil, err
	}
	if err = w.send(text("2probe")); err == nil {
		var answer packet
		if answer, err = w.recv(); err == nil && string(answer.data) != "3probe" {
			err = fmt.Errorf("the probe was answered with %.60q", answer.data)
		}
	}
	if err != nil {
		w.cut()
		return nil, err
	}
	return w, nil
}

// send sends packets that belong together.
func (v *visit) send(list ...packet) error {
	v.out.Lock()
	defer v.out.Unlock()
	err := v.current().send(list...)
	if err == nil {
		v.c.crowd.count.sent.Add(1)
	}
	return err
}

// emit sends an event that asks for no answer.
func (v *visit) emit(args ...any) error { return v.emitTo("/", -1, args...) }

func (v *visit) emitTo(namespace string, id int64, args ...any) error {
	list, err := encode(sioEvent, namespace, id, args...)
	if err != nil {
		return err
	}
	return v.send(list...)
}

// call sends an event and waits for its one answer.
func (v *visit) call(args ...any) (*message, error) { return v.callTo("/", args...) }

func (v *visit) callTo(namespace string, args ...any) (*message, error) {
	answer := make(chan *message, 1)
	v.mu.Lock()
	id := v.nextID
	v.nextID++
	v.waiting[id] = answer
	v.mu.Unlock()
	if err := v.emitTo(namespace, id, args...); err != nil {
		return nil, err
	}
	return v.await(answer, fmt.Sprintf("the answer to %v", args[0]))
}

// await waits for what the server owes.
func (v *visit) await(answer chan *message, what string) (*message, error) {
	slow := time.NewTimer(patience)
	defer slow.Stop()
	select {
	case m := <-answer:
		v.c.crowd.count.acks.Add(1)
		return m, nil
	case <-v.ended:
		return nil, errGone
	case <-slow.C:
		v.c.crowd.broken("%s: %s did not come in %v", v, what, patience)
		return nil, errGone
	}
}

// finish ends what is left of the connection.
func (v *visit) finish() {
	v.mayEnd.Store(true)
	v.c.crowd.open.Add(-1)
	v.current().cut()
	select {
	case v.switched <- nil:
	default:
	}
	<-v.ended
}

func (v *visit) current() link {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.link
}

func (v *visit) use(l link) {
	v.mu.Lock()
	v.link = l
	v.mu.Unlock()
}
