package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patience is how long a client waits for what must come. It is no measure of
// speed: what has not come by then will not come.
const patience = 2 * time.Minute

// link is a transport as a client uses it. One goroutine receives; senders
// take turns.
type link interface {
	send(list ...packet) error
	recv() (packet, error) // errPaused: the upgrade may take over
	cut()                  // reset the connections
	hangUp()               // close them in order
}

var errPaused = errors.New("polling has paused")

func dial(addr string) (*net.TCPConn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // then Close sends RST
	_ = c.Close()
}

// webSocket is the link over one websocket.
type webSocket struct {
	c   *net.TCPConn
	r   *bufio.Reader
	eio int
}

func webSocketRequest(addr, query string) string {
	return "GET /socket.io/?" + query + "&transport=websocket HTTP/1.1\r\nHost: " + addr +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

func dialWebSocket(addr string, eio int, query string) (*webSocket, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	w := &webSocket{c, bufio.NewReaderSize(c, 2048), eio}
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err = io.WriteString(c, webSocketRequest(addr, query)); err == nil {
		var status int
		if status, _, err = readHead(w.r); err == nil && status != 101 {
			err = fmt.Errorf("the upgrade was answered with status %d", status)
		}
	}
	if err != nil {
		reset(c)
		return nil, err
	}
	return w, nil
}

func (w *webSocket) frame(p packet) (op byte, data []byte) {
	switch {
	case !p.binary:
		return opText, p.data
	case w.eio == 3:
		return opBinary, append([]byte{4}, p.data...)
	}
	return opBinary, p.data
}

func (w *webSocket) send(list ...packet) error {
	var b []byte
	for _, p := range list {
		op, data := w.frame(p)
		b = appendFrame(b, op, true, data)
	}
	return w.write(b)
}

func (w *webSocket) write(b []byte) error {
	_ = w.c.SetWriteDeadline(time.Now().Add(patience))
	_, err := w.c.Write(b)
	return err
}

func (w *webSocket) recv() (packet, error) {
	_ = w.c.SetReadDeadline(time.Now().Add(patience)) // the server pings more often
	for {
		op, data, err := readFrame(w.r)
		switch {
		case err != nil:
			return packet{}, err
		case op == opText && w.eio == 3 && bytes.HasPrefix(data, []byte("b4")): // b64=1 is for websockets too
			raw, err := base64.StdEncoding.DecodeString(string(data[2:]))
			return packet{true, raw}, err
		case op == opText:
			return packet{data: data}, nil
		case op == opBinary && w.eio == 3 && len(data) > 0:
			return packet{true, data[1:]}, nil
		case op == opBinary:
			return packet{true, data}, nil
		case op == opClose:
			return packet{}, errCloseFrame
		case op != opPing && op != opPong:
			return packet{}, fmt.Errorf("the server sent a frame of type %d", op)
		}
	}
}

func (w *webSocket) cut()    { reset(w.c) }
func (w *webSocket) hangUp() { _ = w.c.Close() }

// polling is the link over two connections, one that polls and one that posts.
type polling struct {
	addr  string
	eio   int
	query string // with the session, once there is one

	get      *net.TCPConn
	r        *bufio.Reader
	ready    []packet
	pausing  chan struct{} // closed when an upgrade wants to take over
	pauseOne sync.Once

	turn sync.Mutex // held by whoever posts
	pr   *bufio.Reader
	used time.Time // when post was last used

	mu   sync.Mutex // guards what follows
	post *net.TCPConn
	done bool
}

func dialPolling(addr string, eio int, query string) (*polling, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	return &polling{addr: addr, eio: eio, query: query, get: c, r: bufio.NewReaderSize(c, 2048), pausing: make(chan struct{})}, nil
}

func (p *polling) pollRequest() string {
	return "GET /socket.io/?" + p.query + "&transport=polling HTTP/1.1\r\nHost: " + p.addr + "\r\n\r\n"
}

func (p *polling) postHead(n int) string {
	return "POST /socket.io/?" + p.query + "&transport=polling HTTP/1.1\r\nHost: " + p.addr +
		"\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: " + strconv.Itoa(n) + "\r\n\r\n"
}

func (p *polling) recv() (packet, error) {
	for len(p.ready) == 0 {
		select {
		case <-p.pausing:
			return packet{}, errPaused
		default:
		}
		_ = p.get.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(p.get, p.pollRequest()); err != nil {
			return packet{}, err
		}
		status, body, err := readResponse(p.r)
		if err == nil && status != 200 {
			err = fmt.Errorf("a poll was answered with status %d, %.100q", status, body)
		}
		if err != nil {
			return packet{}, err
		}
		if p.ready, err = packets(p.eio, body); err != nil {
			return packet{}, err
		}
	}
	next := p.ready[0]
	p.ready = p.ready[1:]
	return next, nil
}

func (p *polling) send(list ...packet) error {
	body := payload(p.eio, list)
	return p.postBytes(append([]byte(p.postHead(len(body))), body...), func(c *net.TCPConn, b []byte) error {
		_, err := c.Write(b)
		return err
	})
}

// idlePost is how long the posting connection is kept between posts: less than
// the server does, so that no post meets the end of its connection.
const idlePost = 15 * time.Second

// postBytes sends a whole request with write and waits for its answer.
func (p *polling) postBytes(b []byte, write func(*net.TCPConn, []byte) error) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	c, err := p.posting()
	if err != nil {
		return err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := write(c, b); err != nil {
		return err
	}
	status, body, err := readResponse(p.pr)
	if err == nil && status != 200 {
		err = fmt.Errorf("a post was answered with status %d, %.100q", status, body)
	}
	p.used = time.Now()
	return err
}

// posting is the connection for the next post.
func (p *polling) posting() (*net.TCPConn, error) {
	if time.Since(p.used) > idlePost {
		p.dropPost(func(c *net.TCPConn) { _ = c.Close() })
	}
	p.mu.Lock()
	c := p.post
	p.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := dial(p.addr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	p.post, p.pr = c, bufio.NewReaderSize(c, 512)
	return c, nil
}

// dropPost ends the posting connection.
func (p *polling) dropPost(how func(*net.TCPConn)) {
	p.mu.Lock()
	if p.post != nil {
		how(p.post)
		p.post = nil
	}
	p.mu.Unlock()
}

// pause has recv stop once what has come is delivered and no poll is under way.
func (p *polling) pause() { p.pauseOne.Do(func() { close(p.pausing) }) }

func (p *polling) cut()    { p.end(reset) }
func (p *polling) hangUp() { p.end(func(c *net.TCPConn) { _ = c.Close() }) }

func (p *polling) end(how func(*net.TCPConn)) {
	how(p.get)
	p.mu.Lock()
	p.done = true
	p.mu.Unlock()
	p.dropPost(how)
}

// readHead reads the head of an HTTP response.
func readHead(r *bufio.Reader) (status int, h textproto.MIMEHeader, err error) {
	tp := textproto.NewReader(r)
	line, err := tp.ReadLine()
	if err != nil {
		return 0, nil, err
	}
	_, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	if status, err = strconv.Atoi(code); err != nil {
		return 0, nil, fmt.Errorf("the server answered %.60q", line)
	}
	h, err = tp.ReadMIMEHeader()
	return status, h, err
}

// readResponse reads an HTTP response with a length.
func readResponse(r *bufio.Reader) (status int, body []byte, err error) {
	status, h, err := readHead(r)
	if err != nil {
		return 0, nil, err
	}
	n, err := strconv.Atoi(h.Get("Content-Length"))
	if err != nil {
		return 0, nil, fmt.Errorf("an answer with status %d has no length", status)
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return status, bytes.Clone(body), err
}
