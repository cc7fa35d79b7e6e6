package socketiotest

import (
	"context"
	"net"
	"time"
)

// faults are what is wrong with a connection's links.
type faults struct {
	delay time.Duration
	held  bool
	cut   bool
	links []*end // that may still be in use
}

// watch applies the connection's faults to a link, now and when they change.
func (c *conn) watch(link *end) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.links = append(c.faults.links, link)
	c.faults.apply(link)
}

func (f *faults) apply(link *end) {
	if f.cut {
		link.cut()
	}
	link.in.change(func(h *half) { h.delay, h.held = f.delay, f.held })
	link.out.change(func(h *half) { h.delay = f.delay })
}

func (c *conn) fault(change func(f *faults)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.faults)
	for _, link := range c.faults.links {
		c.faults.apply(link)
	}
}

// dial opens a link for polling requests.
func (p *polling) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	link, err := p.c.s.l.dial(ctx)
	if err != nil {
		return nil, err
	}
	p.c.watch(link)
	return link, nil
}

// Cut tears the connection, for all its namespaces: nothing on its way arrives,
// neither side is told in an orderly manner, and the client does not come back
// by itself; see Reconnect. The client's reason is "transport error".
func (c *Client) Cut() {
	c.conn.fault(func(f *faults) { f.cut = true })
	<-c.conn.ended
}

// Delay makes everything that is written from now on, in either direction, take
// d to arrive. Order is kept.
func (c *Client) Delay(d time.Duration) { c.conn.fault(func(f *faults) { f.delay = d }) }

// StopReading makes the client take nothing from the server, pings included,
// until StartReading: a slow consumer. What the server sends meanwhile fills
// the link's buffer of 64 KiB, then the server's own queue.
func (c *Client) StopReading() { c.conn.fault(func(f *faults) { f.held = true }) }

// StartReading ends StopReading.
func (c *Client) StartReading() { c.conn.fault(func(f *faults) { f.held = false }) }

// StopPongs makes the client leave the server's pings unanswered, until the
// server gives it up ("ping timeout").
func (c *Client) StopPongs() {
	c.conn.mu.Lock()
	c.conn.mute = true
	c.conn.mu.Unlock()
}
