package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"time"
)

// early is a fault before a client gets as far as a namespace.
type early struct {
	name string
	do   func(c *client) error
}

var earlies = []early{
	{"dials and resets", func(c *client) error { return c.raw("", reset) }},
	{"dials and closes", func(c *client) error { return c.raw("", hangUp) }},
	{"dials and says nothing", func(c *client) error { return c.raw("", c.linger) }},
	{"half a request, then reset", func(c *client) error { return c.raw(c.halfRequest(), reset) }},
	{"half a request, then silence", func(c *client) error { return c.raw(c.halfRequest(), c.linger) }},
	{"no HTTP at all", func(c *client) error { return c.raw("\x16\x03\x01 what is this?\r\n\r\n", c.untilClosed) }},
	{"websocket handshake, then reset", func(c *client) error { return c.raw(webSocketRequest(c.crowd.addr, "EIO=4"), reset) }},
	{"websocket handshake, then close", func(c *client) error { return c.raw(webSocketRequest(c.crowd.addr, "EIO=4"), hangUp) }},
	{"websocket with half a key", func(c *client) error {
		return c.refused("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aGFsZg==\r\n\r\n")
	}},
	{"unknown session", func(c *client) error {
		return c.refused("GET /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: x\r\n\r\n")
	}},
	{"unknown transport", func(c *client) error {
		return c.refused("GET /socket.io/?EIO=4&transport=pigeon HTTP/1.1\r\nHost: x\r\n\r\n")
	}},
	{"upgrade of an unknown session", func(c *client) error {
		return c.refused(webSocketRequest(c.crowd.addr, "EIO=4&sid=AAAAAAAAAAAAAAAAAAAA"))
	}},
	{"polling session left at once", func(c *client) error {
		p, err := dialPolling(c.crowd.addr, 4, "EIO=4")
		if err != nil {
			return err
		}
		defer p.cut()
		sid, err := openPacket(p)
		p.query += "&sid=" + sid
		c.crowd.polls(p)
		return err
	}},
	{"joins no namespace", func(c *client) error {
		w, err := dialWebSocket(c.crowd.addr, 4, "EIO=4")
		if err != nil {
			return err
		}
		defer w.cut()
		return c.untilEnd(w) // the server's connect timeout ends it
	}},
	{"stranger", func(c *client) error { return c.turnedAway(`40{"stranger":true}`) }},
	{"namespace that does not exist", func(c *client) error { return c.turnedAway("40/nowhere,") }},
}

func hangUp(c *net.TCPConn) { _ = c.Close() }

// raw writes what is no session, and leaves.
func (c *client) raw(request string, leave func(*net.TCPConn)) error {
	conn, err := dial(c.crowd.addr)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, request)
	leave(conn)
	return err
}

func (c *client) halfRequest() string {
	whole := webSocketRequest(c.crowd.addr, "EIO=4")
	return whole[:1+c.rng.IntN(len(whole)-2)]
}

// linger leaves a connection lying about for a while.
func (c *client) linger(conn *net.TCPConn) {
	c.pause(c.around(5 * time.Second))
	reset(conn)
}

// untilClosed reads until the server hangs up.
func (c *client) untilClosed(conn *net.TCPConn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
		c.crowd.broken("client %d: the server has kept a connection that speaks no HTTP", c.no)
	}
	reset(conn)
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// refused sends a request that must be answered with status 400.
func (c *client) refused(request string) error {
	conn, err := dial(c.crowd.addr)
	if err != nil {
		return err
	}
	defer reset(conn)
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	status, body, err := readResponse(bufio.NewReader(conn))
	if err == nil && status != 400 {
		err = fmt.Errorf("status %d, %.100q", status, body)
	}
	return err
}

// untilEnd waits until the server ends a link that it should end, or until
// the crowd stops.
func (c *client) untilEnd(l link) error {
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := l.recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		if isTimeout(err) {
			return fmt.Errorf("the server did not end the connection")
		}
	case <-c.crowd.stop:
		l.cut()
		<-ended
	}
	return nil
}

// turnedAway sends a CONNECT that must be refused.
func (c *client) turnedAway(packet string) error {
	w, err := dialWebSocket(c.crowd.addr, 4, "EIO=4")
	if err != nil {
		return err
	}
	defer w.cut()
	if _, err := openPacket(w); err != nil {
		return err
	}
	if err := w.send(text(packet)); err != nil {
		return err
	}
	for {
		p, err := w.recv()
		if err != nil {
			return err
		}
		if len(p.data) > 1 && p.data[0] == '4' {
			if p.data[1] != sioError {
				return fmt.Errorf("the server answered %.60q", p.data)
			}
			return nil
		}
	}
}
