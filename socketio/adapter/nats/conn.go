package nats

import (
	"net"
	"sync/atomic"
	"time"
)

// gauge is how far one connection is: when something came last, and how much of
// it waits to be handled.
type gauge struct {
	start   time.Time
	last    atomic.Int64 // since start, of the last byte that came
	read    atomic.Int64 // bytes
	handled atomic.Int64 // bytes, about; as much as was read whenever nothing waits

	waiting atomic.Bool   // the reader waits for room
	room    chan struct{} // holds one when it need not any more
	dead    chan struct{} // closed when the connection is given up
}

func newGauge() *gauge {
	return &gauge{start: time.Now(), room: make(chan struct{}, 1), dead: make(chan struct{})}
}

// silent is how long nothing has come, while somebody listened.
func (g *gauge) silent() time.Duration {
	if g.waiting.Load() {
		return 0
	}
	return time.Since(g.start) - time.Duration(g.last.Load())
}

// heard is as if something had come.
func (g *gauge) heard() { g.last.Store(int64(time.Since(g.start))) }

// backlog is how many bytes wait to be handled, about.
func (g *gauge) backlog() int64 { return g.read.Load() - g.handled.Load() }

// conn is the connection below nats.go. It lets the server wait where nats.go
// would drop what is not handled in time, and ends with the first write that
// fails: nats.go forgets what it could not write.
type conn struct {
	net.Conn
	gauge *gauge
	full  func() bool // too much waits to be handled
}

func (c *conn) Read(p []byte) (int, error) {
	for c.full() {
		c.gauge.waiting.Store(true)
		if !c.full() { // what has made room since need not have seen anybody wait
			break
		}
		select {
		case <-c.gauge.room:
		case <-c.gauge.dead:
			c.gauge.waiting.Store(false)
			return 0, net.ErrClosed
		}
	}
	if c.gauge.waiting.Load() {
		c.gauge.heard()
		c.gauge.waiting.Store(false)
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.gauge.read.Add(int64(n))
		c.gauge.heard()
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.Conn.Close() // the error is in hand
	}
	return n, err
}
