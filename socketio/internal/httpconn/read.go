package httpconn

import (
	"bytes"
	"net"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// maxBody bounds the body of a request that is read here; longer ones are left
// to net/http, which has a goroutine to wait for them.
const maxBody = 64 << 10

// input is what reading needs while it lasts.
type input struct {
	buf [maxHead]byte
	r   Request
}

var inputs = sync.Pool{New: func() any { return new(input) }}

func (in *input) free() {
	in.r = Request{} // it would keep what it refers to
	inputs.Put(in)
}

// OnReadable implements netpoll.Handler.
func (c *Conn) OnReadable(nc *netpoll.Conn) error {
	in := inputs.Get().(*input)
	defer in.free()
	waits := false
	if len(c.in) > 0 {
		var err error
		if waits, err = c.requests(nc, c.in, &in.r); err != nil {
			return err
		}
	}
	for {
		if waits && len(c.in) > maxHead {
			// The client sends ahead. What it has sent is enough for now; its
			// going away shows when the answer is written.
			return netpoll.ErrPaused
		}
		n, err := nc.Read(in.buf[:])
		if err == netpoll.ErrWouldBlock {
			if waits {
				return netpoll.ErrPaused // to be woken; a goroutine would wait for more input
			}
			return nil
		}
		if err != nil {
			return err
		}
		b := in.buf[:n]
		if len(c.in) > 0 {
			c.in = append(c.in, b...)
			if b = c.in; len(b) < int(c.need) {
				continue
			}
		}
		if waits, err = c.requests(nc, b, &in.r); err != nil {
			return err
		}
	}
}

// requests handles the requests in b, which may be c.in, and keeps what is left
// of it. r is memory for them. waits says that some of it has to wait, and that c
// will be woken.
func (c *Conn) requests(nc *netpoll.Conn, b []byte, r *Request) (waits bool, err error) {
	for {
		if b = b[blank(b):]; len(b) == 0 {
			c.in = nil
			return false, nil
		}
		if !c.ready(nc) {
			c.keep(b)
			return true, nil
		}
		c.need, c.mine = 0, false
		size, result := r.parse(b)
		switch {
		case result == incomplete:
			c.partial(awaitHead)
			c.keep(b)
			return false, nil
		case result == bareLF:
			c.begin(true)
			_ = c.Answer([]byte(malformed), true) // fails only with the connection
			c.in = nil
			return true, nil
		case result == other || r.Length > maxBody || !c.isSame(r) || !c.h.Mine(r):
			return c.giveBack(nc, b)
		}
		whole := size + r.Length
		if len(b) < whole {
			c.need, c.mine = int32(whole), true
			c.partial(awaitBody)
			c.keep(b)
			return false, nil
		}
		r.Body = b[size:whole]
		c.begin(r.close)
		c.h.Serve(r)
		b = b[whole:]
	}
}

// malformed is net/http's answer to what is no request.
const malformed = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request: a line ends without CR"

// ready reports whether a request may be looked at: not while another one is
// being answered, nor while the client takes no answers.
func (c *Conn) ready(nc *netpoll.Conn) bool {
	c.mu.Lock()
	c.early = c.busy
	busy := c.busy
	c.mu.Unlock()
	if busy {
		return false
	}
	return room(nc)
}

func (c *Conn) begin(last bool) {
	c.mu.Lock()
	c.busy = true
	c.end = c.end || last
	c.mu.Unlock()
}

// keep has b as the input that waits.
func (c *Conn) keep(b []byte) {
	if len(c.in) != len(b) || &c.in[0] != &b[0] {
		c.in = bytes.Clone(b)
	}
}

// isSame reports whether r may have an answer like those before.
func (c *Conn) isSame(r *Request) bool {
	return r.has(c.same.Value())
}

// giveBack returns the connection to its http.Server, with the input b.
func (c *Conn) giveBack(nc *netpoll.Conn, b []byte) (waits bool, err error) {
	if !nc.Settled() {
		c.keep(b)
		return true, nil
	}
	conn, pre, err := nc.Detach()
	if err != nil {
		return false, err
	}
	c.all.feed(c.host, &replay{Conn: conn, pre: append(bytes.Clone(b), pre...)})
	return false, net.ErrClosed
}

// replay is a connection of which something was read before.
type replay struct {
	net.Conn
	pre []byte
}

func (r *replay) Read(b []byte) (int, error) {
	if len(r.pre) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.pre)
	if r.pre = r.pre[n:]; len(r.pre) == 0 {
		r.pre = nil
	}
	return n, nil
}
