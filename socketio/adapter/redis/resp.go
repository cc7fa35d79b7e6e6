package redis

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// A conn is one connection to a server, in RESP2. Whoever writes and whoever
// reads are one goroutine each.
type conn struct {
	net   net.Conn
	r     *bufio.Reader
	out   []byte       // commands that are not written yet
	begun time.Time    // what heard counts from
	heard atomic.Int64 // when something went either way last, as a time.Duration
	most  atomic.Int64 // bytes that may still come; 0: no bound

	gather   func(more bool) // nil: nobody is told what is at hand
	gathered bool            // gather was told that there is something

	peeked  int    // bytes of r that the last payload occupies
	channel []byte // of the last message
	large   []byte // holds a payload that r cannot
}

// idle is how long a read or a write may take without a byte, whatever the probe
// says.
const idle = 90 * time.Second

// rdbuf is the size of the buffer that is read into.
const rdbuf = 32 << 10

func newConn(nc net.Conn) *conn {
	c := &conn{net: nc, begun: time.Now()}
	c.r = bufio.NewReaderSize((*progress)(c), rdbuf)
	return c
}

// progress notes that bytes have come or gone, and bounds how long none may.
type progress conn

func (p *progress) Read(b []byte) (int, error) {
	if err := p.net.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return 0, err
	}
	(*conn)(p).tell(false)
	n, err := p.net.Read(b)
	if n > 0 {
		(*conn)(p).tell(true)
		p.heard.Store(int64(time.Since(p.begun)))
		if most := p.most.Load(); most > 0 {
			if most -= int64(n); most <= 0 {
				return n, errProtocol
			}
			p.most.Store(most)
		}
	}
	return n, err
}

// tell says whether more may be at hand.
func (c *conn) tell(more bool) {
	if c.gather != nil && c.gathered != more {
		c.gathered = more
		c.gather(more)
	}
}

// silent is for how long nothing has come or gone.
func (c *conn) silent() time.Duration {
	return time.Since(c.begun) - time.Duration(c.heard.Load())
}

// close ends the connection. What was written and has not left is not to arrive
// after what the next connection sends.
func (c *conn) close() {
	nc := c.net
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = nc.Close()
}

func appendHead(b []byte, args int) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(args), 10)
	return append(b, "\r\n"...)
}

func appendArg[T string | []byte](b []byte, arg T) []byte {
	b = append(b, '$')
	b = strconv.AppendInt(b, int64(len(arg)), 10)
	b = append(b, "\r\n"...)
	b = append(b, arg...)
	return append(b, "\r\n"...)
}

// command appends one to what flush writes.
func (c *conn) command(name string, args ...string) {
	c.out = appendArg(appendHead(c.out, 1+len(args)), name)
	for _, arg := range args {
		c.out = appendArg(c.out, arg)
	}
}

// flush writes the commands that have gathered.
func (c *conn) flush() error {
	b := c.out
	c.out = c.out[:0]
	if cap(b) > 1<<20 {
		c.out = nil
	}
	for len(b) > 0 {
		if err := c.net.SetWriteDeadline(time.Now().Add(idle)); err != nil {
			return err
		}
		n, err := c.net.Write(b[:min(len(b), 64<<10)])
		if n > 0 {
			c.heard.Store(int64(time.Since(c.begun)))
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// do sends one command and waits for its reply.
func (c *conn) do(name string, args ...string) (any, error) {
	c.command(name, args...)
	if err := c.flush(); err != nil {
		return nil, err
	}
	v, err := c.reply(0)
	if e, ok := v.(replyError); err == nil && ok {
		return nil, e
	}
	return v, err
}

// A replyError is what the server says of a command that it did not carry out.
type replyError string

func (e replyError) Error() string { return "redis: the server says: " + string(e) }

// code is the first word.
func (e replyError) code() string {
	word, _, _ := bytes.Cut([]byte(e), []byte(" "))
	return string(word)
}

var errProtocol = errors.New("redis: the server does not speak RESP2")

// maxReply bounds the parts of replies that are not messages.
const maxReply = 1 << 20

// head reads the first line of a reply. n is what it holds as a number, of all
// kinds but + and -; text is good until the next read.
func (c *conn) head() (kind byte, n int, text []byte, err error) {
	if _, err := c.r.Discard(c.peeked); err != nil {
		return 0, 0, nil, err
	}
	c.peeked = 0
	line, err := c.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return 0, 0, nil, errProtocol
	}
	if err != nil {
		return 0, 0, nil, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, 0, nil, errProtocol
	}
	kind, text = line[0], line[1:len(line)-2]
	switch kind {
	case '+', '-':
		return kind, 0, text, nil
	case ':', '$', '*':
		n, err = strconv.Atoi(string(text))
		if err != nil || n < -1 && kind != ':' {
			return 0, 0, nil, errProtocol
		}
		return kind, n, nil, nil
	}
	return 0, 0, nil, fmt.Errorf("%w: a reply begins with %q", errProtocol, kind)
}

// want reads the head of a reply that has to be of a kind.
func (c *conn) want(kind byte) (n int, err error) {
	k, n, _, err := c.head()
	if err == nil && k != kind {
		err = errProtocol
	}
	return n, err
}

// text appends a string to dst, nil as an empty one.
func (c *conn) text(dst []byte, limit int) ([]byte, error) {
	n, err := c.want('$')
	if err != nil || n < 0 {
		return dst, err
	}
	if n > limit {
		return dst, errProtocol
	}
	return c.body(dst, n)
}

func (c *conn) body(dst []byte, n int) ([]byte, error) {
	at := len(dst)
	if cap(dst) < at+n+2 {
		dst = append(make([]byte, 0, at+n+2), dst...)
	}
	dst = dst[:at+n+2]
	if _, err := io.ReadFull(c.r, dst[at:]); err != nil {
		return dst[:at], err
	}
	return dst[:at+n], nil
}

// payload reads a string of at most limit bytes, which is good until the next
// read. A longer one is passed over, and ok is false.
func (c *conn) payload(limit int) (b []byte, ok bool, err error) {
	n, err := c.want('$')
	switch {
	case err != nil:
		return nil, false, err
	case n > limit:
		_, err := c.r.Discard(n + 2)
		return nil, false, err
	case n < 0:
		return nil, true, nil
	case n+2 <= c.r.Size():
		b, err := c.r.Peek(n + 2)
		if err != nil {
			return nil, false, err
		}
		c.peeked = n + 2
		return b[:n], true, nil
	}
	if cap(c.large) > 1<<20 && n < 1<<18 {
		c.large = nil
	}
	c.large, err = c.body(c.large[:0], n)
	return c.large, true, err
}

// reply reads any reply: a string, an int, nil, a replyError, or a list of
// those. A string that is very long is passed over, and empty.
func (c *conn) reply(depth int) (any, error) {
	kind, n, text, err := c.head()
	if err != nil {
		return nil, err
	}
	switch kind {
	case '+':
		return string(text), nil
	case '-':
		return replyError(text), nil
	case ':':
		return n, nil
	case '$':
		if n < 0 {
			return nil, nil
		}
		if n > maxReply { // nobody asks for so much in this way
			_, err := c.r.Discard(n + 2)
			return "", err
		}
		b, err := c.body(nil, n)
		return string(b), err
	}
	if n < 0 {
		return nil, nil
	}
	if n > maxReply || depth > 8 {
		return nil, errProtocol
	}
	list := make([]any, 0, min(n, 64))
	for range n {
		v, err := c.reply(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// What comes on a subscribing connection.
type push byte

const (
	pushOther      push = iota
	pushMessage         // channel, payload
	pushLarge           // channel; the payload was too large, and was passed over
	pushSubscribed      // channel or pattern
	pushGone            // channel of a slot: asked for, or since the slot has moved
)

// next reads the next push. channel and payload are good until the next call.
func (c *conn) next(limit int) (kind push, channel, payload []byte, err error) {
	k, n, text, err := c.head()
	switch {
	case err != nil:
		return 0, nil, nil, err
	case k == '-':
		return 0, nil, nil, replyError(text)
	case k != '*' || n < 2 || n > 4:
		return 0, nil, nil, errProtocol
	}
	word, err := c.text(c.channel[:0], 64)
	if c.channel = word; err != nil {
		return 0, nil, nil, err
	}
	switch string(word) {
	case "pmessage":
		if n != 4 {
			return 0, nil, nil, errProtocol
		}
		if word, err = c.text(c.channel[:0], maxReply); err != nil { // the pattern
			return 0, nil, nil, err
		}
		c.channel = word
	case "message", "smessage":
		if n != 3 {
			return 0, nil, nil, errProtocol
		}
	default:
		switch string(word) {
		case "subscribe", "psubscribe", "ssubscribe":
			kind = pushSubscribed
		case "sunsubscribe":
			kind = pushGone
		}
		channel, err := c.text(c.channel[:0], maxReply)
		if c.channel = channel; err != nil {
			return 0, nil, nil, err
		}
		for range n - 2 {
			if _, err := c.reply(0); err != nil {
				return 0, nil, nil, err
			}
		}
		return kind, channel, nil, nil
	}
	if c.channel, err = c.text(c.channel[:0], maxReply); err != nil {
		return 0, nil, nil, err
	}
	payload, ok, err := c.payload(limit)
	if err != nil {
		return 0, nil, nil, err
	}
	if !ok {
		return pushLarge, c.channel, nil, nil
	}
	return pushMessage, c.channel, payload, nil
}
