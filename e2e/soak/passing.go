package main

import (
	"fmt"
	"io"
	"net"
	"time"
)

// passing is a fault that a connection survives: it is healthy before and
// after.
type passing struct {
	name string
	do   func(v *visit) error
}

var passings = []passing{
	{"stops reading for a while", (*visit).stall},
	{"one byte at a time", (*visit).trickle},
	{"message in fragments", (*visit).fragments},
	{"handler panics", func(v *visit) error { return v.emit("panic") }},
	{"event that nobody handles", func(v *visit) error { return v.emit("nobody", 1, "x") }},
	{"answers what was not asked", func(v *visit) error { return v.send(text("4399999999[1]")) }},
	{"answers the same twice", func(v *visit) error {
		v.mute.Store(false)
		if _, err := v.call("ask me"); err != nil {
			return err
		}
		return v.send(text("430[1]"), text("430[1]")) // long answered, or never asked of this client
	}},
	{"stranger in a second namespace", func(v *visit) error { return v.strangerAside() }},
	{"upgrade abandoned", (*visit).abandonUpgrade},
	{"loses the idle connection for posts", func(v *visit) error {
		if p, ok := v.current().(*polling); ok {
			p.turn.Lock()
			p.dropPost(reset)
			p.turn.Unlock()
		}
		return nil
	}},
}

// suffer lets a fault happen.
func (v *visit) suffer(fault *passing) error {
	v.c.crowd.happened(fault.name)
	v.fault.Store(&fault.name)
	if err := fault.do(v); err != nil {
		return err
	}
	return v.echo()
}

func (v *visit) stall() error {
	v.gate.Lock()
	v.c.pause(v.c.around(3 * time.Second))
	v.gate.Unlock()
	return nil
}

// trickle writes one event slowly.
func (v *visit) trickle() error {
	list, err := encode(sioEvent, "/", -1, "echo", "slowly")
	if err != nil {
		return err
	}
	slowly := func(c *net.TCPConn, b []byte) error {
		for i := range b {
			if _, err := c.Write(b[i : i+1]); err != nil {
				return err
			}
			if i%8 == 0 {
				v.c.pause(10 * time.Millisecond)
			}
		}
		return nil
	}
	v.out.Lock()
	defer v.out.Unlock()
	switch l := v.current().(type) {
	case *webSocket:
		return slowly(l.c, appendFrame(nil, opText, true, list[0].data))
	case *polling:
		body := payload(v.eio, list)
		return l.postBytes(append([]byte(l.postHead(len(body))), body...), slowly)
	}
	return nil
}

// fragments sends a message in several frames, with pings between them.
func (v *visit) fragments() error {
	v.out.Lock()
	defer v.out.Unlock()
	w, ok := v.current().(*webSocket)
	if !ok {
		return nil
	}
	list, err := encode(sioEvent, "/", -1, "echo", "in pieces")
	if err != nil {
		return err
	}
	data := list[0].data
	b := appendFrame(nil, opText, false, data[:3])
	b = appendFrame(b, opPing, true, []byte("between"))
	b = appendFrame(b, opContinuation, false, data[3:7])
	b = appendFrame(b, opPing, true, nil)
	b = appendFrame(b, opContinuation, true, data[7:])
	return w.write(b)
}

func (v *visit) strangerAside() error {
	if v.eio == 3 {
		return nil // revision 3 has no place for it in the packet
	}
	m, err := v.joinNamespace(fmt.Sprint("/side-", 1000+v.c.rng.IntN(1000)), `{"stranger":true}`)
	if err == nil && m.kind != sioError {
		err = fmt.Errorf("a stranger was let in")
	}
	return err
}

// abandonUpgrade begins to upgrade and gives up, at one of the steps. Polling
// goes on as if nothing had happened.
func (v *visit) abandonUpgrade() error {
	p, ok := v.current().(*polling)
	if !ok {
		return nil
	}
	switch v.c.rng.IntN(5) {
	case 0: // a request, and no more
		return v.c.raw(webSocketRequest(p.addr, p.query), reset)
	case 1: // a handshake, and no more
		w, err := dialWebSocket(p.addr, p.eio, p.query)
		if err == nil {
			w.cut()
		}
		return err
	case 2: // something else than the probe
		w, err := dialWebSocket(p.addr, p.eio, p.query)
		if err != nil {
			return err
		}
		defer w.cut()
		if err := w.send(text("4hello")); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, w.r) // until it is closed
		return nil
	default: // the probe, and no upgrade
		w, err := v.probe(p)
		if err != nil {
			return err
		}
		v.c.pause(v.c.around(time.Second))
		if v.c.rng.IntN(2) == 0 {
			w.hangUp()
		} else {
			w.cut()
		}
		return nil
	}
}
