package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// backoff is the pause before an attempt, counted from 1.
func backoff(o *Options, attempt int) time.Duration {
	most := o.ReconnectDelayMax
	if most < 0 {
		most = math.MaxInt64 / 4
	}
	d := min(max(o.ReconnectDelay, time.Millisecond), most) // never without a pause
	for i := 1; i < attempt && d < most; i++ {
		d = min(2*d, most)
	}
	var chance [2]byte
	_, _ = rand.Read(chance[:]) // does not fail
	return time.Duration(float64(d) * (0.5 + float64(binary.LittleEndian.Uint16(chance[:]))/0x10000))
}

// bounded is a context for a handshake.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.opts.Timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.opts.Timeout)
}

// open makes a connection by the first transport, or with
// Options.TryAllTransports by the first that works.
func (c *Client) open() (*conn, error) {
	var failed error
	list := c.transports()
	for i := range list {
		conn, err := c.openBy(list[i:])
		if err == nil {
			return conn, nil
		}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		if failed = err; !c.opts.TryAllTransports || c.ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// transports lists those to use, the one to begin with first.
func (c *Client) transports() []string {
	list := c.opts.Transports
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(list, WebSocket); c.opts.RememberUpgrade && c.wsWorks && i > 0 {
		list = slices.Insert(slices.Delete(slices.Clone(list), i, i+1), 0, WebSocket)
	}
	return list
}

// webSocketWorks notes whether one has connected.
func (c *Client) webSocketWorks(does bool) {
	c.mu.Lock()
	c.wsWorks = does
	c.mu.Unlock()
}

// openBy makes a connection by the first transport of a list, which may be
// upgraded to another.
func (c *Client) openBy(transports []string) (*conn, error) {
	if c.ctx.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := c.bounded(c.ctx)
	defer cancel()
	conn := newConn(c, transports)
	// Beside: what it takes of the stack the reader then need not keep.
	done := make(chan error, 1)
	if !c.goFunc(func() { done <- conn.dial(ctx, transports[0]) }) {
		done <- ErrClosed
	}
	err := <-done
	if transports[0] == WebSocket {
		c.webSocketWorks(err == nil)
	}
	if err == nil {
		return conn, nil
	}
	conn.fail("transport error", err)
	if ctx.Err() != nil && c.ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w (within %s)", err, c.opts.Timeout)
	}
	return nil, err
}
