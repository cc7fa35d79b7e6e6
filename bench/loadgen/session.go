//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
)

// input handles what has arrived and returns what it could not use yet.
func (l *loop) input(c *conn, b []byte) ([]byte, error) {
	for c.state < stUpgrade || c.post != nil {
		rest, err := l.polled(c, b)
		if err != nil || len(rest) == 0 || len(rest) == len(b) || c.state == stClosed {
			return rest, err
		}
		b = rest
	}
	if c.state == stUpgrade {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		if end < 0 {
			return b, nil
		}
		if !bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
			line, _, _ := bytes.Cut(b, []byte("\r\n"))
			return nil, fmt.Errorf("upgrade refused: %q", line)
		}
		c.state = stOpen
		if l.opt.upgrade {
			c.state = stProbe
			l.send(c, []byte("2probe"))
		}
		b = b[end+4:]
	}
	for len(b) > 0 && c.state != stClosed {
		f, n, err := parseFrame(b)
		if err == errShort {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		b = b[n:]
		if err := l.frame(c, f); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (l *loop) frame(c *conn, f frame) error {
	switch f.op {
	case opText, opBinary:
		c.op = f.op
		if f.fin {
			return l.data(c, f.payload)
		}
		c.msg = append(c.msg[:0], f.payload...)
	case opContinuation:
		c.msg = append(c.msg, f.payload...)
		if f.fin {
			err := l.data(c, c.msg)
			c.msg = nil
			return err
		}
	case opPing:
		l.wbuf = appendFrame(l.wbuf[:0], opPong, c.key, f.payload)
		l.write(c, l.wbuf)
	case opPong:
	case opClose:
		return errors.New("close frame from server")
	default:
		return fmt.Errorf("opcode %#x", f.op)
	}
	return nil
}

// data handles one WebSocket message.
func (l *loop) data(c *conn, b []byte) error {
	if c.op == opBinary {
		l.binary(c, b)
		return nil
	}
	return l.packet(c, b)
}

// packet handles one Engine.IO packet.
func (l *loop) packet(c *conn, p []byte) error {
	if len(p) == 0 {
		return errors.New("empty packet")
	}
	switch c.state {
	case stProbe:
		if string(p) != "3probe" {
			return fmt.Errorf("probe reply expected, got %.40q", p)
		}
		l.send(c, []byte("5"))
		l.joined(c)
		return nil
	case stOpen:
		if p[0] != '0' {
			return fmt.Errorf("open packet expected, got %.40q", p)
		}
		c.state = stJoining
		if l.opt.dialect.eio != 3 { // Socket.IO 2 joins "/" unasked
			l.send(c, []byte("40"))
		}
		return nil
	case stJoining:
		if len(p) >= 2 && p[0] == '4' && p[1] == '0' {
			l.joined(c)
			return nil
		}
	}
	switch p[0] {
	case '2': // ping (EIO4: from the server)
		l.send(c, append([]byte("3"), p[1:]...))
	case '3', '6': // pong, noop
	case '4':
		if c.state == stReady {
			l.message(c, p[1:])
		}
	default:
		return fmt.Errorf("unexpected packet %.40q", p)
	}
	return nil
}

func (l *loop) joined(c *conn) {
	c.state = stReady
	l.ready++
	l.busy--
	if l.arrived != nil {
		l.arrived(c)
	}
}
