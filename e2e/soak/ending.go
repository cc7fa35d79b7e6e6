package main

import (
	"io"
	"net"
	"strings"
	"time"
)

// ending is how a life comes to its end. Where the server has to notice, the
// client waits until it has.
type ending struct {
	name string
	do   func(v *visit) (awaited bool, err error)
}

var endings = []ending{
	{"leaves in peace", func(v *visit) (bool, error) {
		if err := v.send(text("41")); err != nil {
			return false, err
		}
		v.current().hangUp()
		return false, nil
	}},
	{"closes the websocket or the session", (*visit).closeEngine},
	{"FIN without a word", func(v *visit) (bool, error) { v.current().hangUp(); return false, nil }},
	{"RST", func(v *visit) (bool, error) { v.current().cut(); return false, nil }},
	{"RST right behind a message", func(v *visit) (bool, error) {
		err := v.say(v.anyRoom(), false)
		v.current().cut()
		return false, err
	}},
	{"FIN, and goes on reading", func(v *visit) (bool, error) {
		if w, ok := v.current().(*webSocket); ok {
			return true, w.c.CloseWrite()
		}
		v.current().hangUp()
		return false, nil
	}},
	{"silence", (*visit).silence},
	{"flood, and does not read", (*visit).flood},
	{"is disconnected by the server", func(v *visit) (bool, error) { return true, v.emit("kick", true) }},
	{"malformed Engine.IO packet", func(v *visit) (bool, error) { return v.offend(text("9nonsense")) }},
	{"malformed Socket.IO packet", func(v *visit) (bool, error) { return v.offend(text(`42{"not":"an event"}`)) }},
	{"malformed JSON", func(v *visit) (bool, error) { return v.offend(text(`42["echo",{"a":]`)) }},
	{"attachment that belongs to nothing", func(v *visit) (bool, error) { return v.offend(packet{true, []byte{1, 2, 3}}) }},
	{"attachments that never come", func(v *visit) (bool, error) {
		return v.offend(text(`451-["echo",{"_placeholder":true,"num":0}]`), text(`42["echo"]`))
	}},
	{"text that is not UTF-8", func(v *visit) (bool, error) { return v.offend(packet{data: []byte("42[\"echo\",\"\xff\xfe\"]")}) }},
	{"message that is too large", func(v *visit) (bool, error) {
		_, err := v.offend(text(`42["echo","` + strings.Repeat("z", maxPayload) + `"]`))
		_, closes := v.current().(*webSocket) // a post is refused, and that is all
		return closes, err
	}},
	{"garbage frame", (*visit).garbageFrame},
	{"half a frame", (*visit).half},
	{"two polls at once", (*visit).twoPolls},
	{"poll given up", func(v *visit) (bool, error) {
		p, ok := v.current().(*polling)
		if ok {
			reset(p.get)
		} else {
			v.current().cut()
		}
		return false, nil
	}},
}

// leave ends the connection in one of these ways.
func (v *visit) leave(end *ending) {
	v.mayEnd.Store(true)
	v.c.crowd.happened(end.name)
	v.fault.Store(&end.name)
	if awaited, err := end.do(v); !awaited || err != nil {
		return // an error belongs to the fault
	}
	slow := time.NewTimer(patience)
	defer slow.Stop()
	select {
	case <-v.ended:
		if isTimeout(v.err) {
			v.c.crowd.broken("%s: %s: the server has not ended the connection", v, end.name)
		}
	case <-slow.C:
		v.c.crowd.broken("%s: %s: the server has not ended the connection in %v", v, end.name, patience)
	}
}

// offend sends what costs a client its connection.
func (v *visit) offend(list ...packet) (bool, error) {
	err := v.send(list...)
	if _, ok := v.current().(*polling); ok {
		err = nil // a post may be answered with 400
	}
	return true, err
}

func (v *visit) closeEngine() (bool, error) {
	if w, ok := v.current().(*webSocket); ok {
		return true, w.write(appendFrame(nil, opClose, true, []byte{0x03, 0xe8}))
	}
	return true, v.send(text("1"))
}

// silence is a machine that has lost its network: nothing is read, nothing is
// said, and no FIN comes. It lasts until the heartbeat must have noticed.
func (v *visit) silence() (bool, error) {
	v.gate.Lock()
	v.c.pause(pingInterval + pingTimeout + v.c.around(5*time.Second))
	v.current().cut()
	v.gate.Unlock()
	return false, nil
}

// flood asks for more than the server keeps for a client, and reads nothing of
// it for some time.
func (v *visit) flood() (bool, error) {
	v.gate.Lock()
	err := v.emit("burst", 4*maxQueue/1000, 1000)
	v.c.pause(v.c.around(2 * time.Second))
	v.gate.Unlock()
	return false, err
}

// garbageFrame is bytes that are no frame, or not one of a client.
func (v *visit) garbageFrame() (bool, error) {
	w, ok := v.current().(*webSocket)
	if !ok {
		return v.offend(packet{data: []byte{0x1e, 0x1e, 0x1e}})
	}
	all := [][]byte{
		{0x81, 0x02, '4', '2'}, // not masked
		{0xf1, 0x82, 1, 2, 3, 4, 5, 6},
		{0x83, 0x80, 1, 2, 3, 4}, // an unknown opcode
		{0x89, 0xfe, 0x01, 0x00}, // a long ping
		{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{0x80, 0x81, 1, 2, 3, 4, 5}, // continues nothing
	}
	return true, w.write(all[v.c.rng.IntN(len(all))])
}

// half sends a part of a frame or of a body, and leaves or falls silent.
func (v *visit) half() (bool, error) {
	v.out.Lock()
	defer v.out.Unlock()
	var conn *net.TCPConn
	var err error
	switch l := v.current().(type) {
	case *webSocket:
		b := appendFrame(nil, opText, true, []byte(`42["echo","this frame is not going to be finished"]`))
		conn, err = l.c, l.write(b[:1+v.c.rng.IntN(len(b)-1)])
	case *polling:
		if conn, err = l.posting(); err == nil {
			_, err = io.WriteString(conn, l.postHead(100)+`42["echo"`)
		}
	}
	if err != nil {
		return false, err
	}
	switch v.c.rng.IntN(3) {
	case 0:
		reset(conn)
	case 1:
		_ = conn.Close()
	default:
		v.c.pause(v.c.around(10 * time.Second))
	}
	return false, nil
}

// twoPolls polls a second time while the first poll waits.
func (v *visit) twoPolls() (bool, error) {
	p, ok := v.current().(*polling)
	if !ok {
		v.current().cut()
		return false, nil
	}
	for range 2 { // one of them meets the other
		if err := v.c.raw(p.pollRequest(), v.c.untilAnswered); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (c *client) untilAnswered(conn *net.TCPConn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = conn.Read(make([]byte, 1))
	reset(conn)
}
