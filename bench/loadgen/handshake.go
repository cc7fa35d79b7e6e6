//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// httpRequest is one request of the handshake: a WebSocket upgrade, or a poll
// (with a body: a post) of the long-polling transport.
func (l *loop) httpRequest(transport, sid, body string) []byte {
	method, extra := "GET", ""
	switch {
	case transport == "websocket":
		extra = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	case body != "":
		method = "POST"
		extra = fmt.Sprintf("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n", len(body))
	}
	if sid != "" {
		sid = "&sid=" + sid
	}
	return fmt.Appendf(nil, "%s %s?EIO=%d&transport=%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n%s",
		method, l.opt.path, l.opt.dialect.eio, transport, sid, l.opt.ports[0], extra, body)
}

// polled handles the response to a request of the long-polling transport. In
// the handshake all of them go over one connection: the one that is upgraded
// in the end, or that the polls stay on.
func (l *loop) polled(c *conn, b []byte) ([]byte, error) {
	body, rest, err := response(b)
	if err == errShort {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	switch c.state {
	case stPollOpen:
		_, after, _ := bytes.Cut(body, []byte(`"sid":"`))
		sid, _, ok := bytes.Cut(after, []byte(`"`))
		if !ok {
			return nil, fmt.Errorf("open packet expected, got %.60q", body)
		}
		c.sid = string(sid)
		c.state = stPollPost
		l.write(c, l.httpRequest("polling", c.sid, "40"))
	case stPollPost:
		c.state = stPollJoin
		l.write(c, l.httpRequest("polling", c.sid, ""))
	case stPollJoin:
		if !bytes.HasPrefix(body, []byte("40")) {
			return nil, fmt.Errorf("connect reply expected, got %.60q", body)
		}
		if l.opt.polling {
			l.startPolling(c)
			break
		}
		c.state = stUpgrade
		l.write(c, l.httpRequest("websocket", c.sid, ""))
		c.sid = ""
	default:
		return rest, l.pollResult(c, body)
	}
	return rest, nil
}

// response splits the first HTTP response of b from what follows it. It
// returns errShort when b does not yet hold all of it.
func response(b []byte) (body, rest []byte, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil, errShort
	}
	size, err := contentLength(b[:end+2])
	if err != nil {
		return nil, nil, err
	}
	if len(b) < end+4+size {
		return nil, nil, errShort
	}
	body, rest = b[end+4:end+4+size], b[end+4+size:]
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) {
		return nil, nil, fmt.Errorf("polling refused: %.60q: %.60q", b, body)
	}
	return body, rest, nil
}

// contentLength finds the body's size in a response head.
func contentLength(head []byte) (int, error) {
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			return strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	return 0, fmt.Errorf("no Content-Length in %.80q", head)
}
