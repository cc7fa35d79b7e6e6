package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
)

var (
	errStalled = fmt.Errorf("redis: %w", brokered.ErrStalled)
	errSplit   = errors.New("redis: messages are published where this node does not listen")
	errMoved   = errors.New("redis: the Sentinels name another master")
)

// verify tells whether a fresh connection to the server at addr works.
func (o *Options) verify(ctx context.Context, patience time.Duration, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := o.dial(ctx, addr)
	if err != nil {
		return err
	}
	c.close()
	return nil
}

// probeChannel is this node's own: nobody else listens there.
func (a *Adapter) probeChannel() string { return a.o.Prefix + "-probe#" + a.self.ID + "#" }

// Probe implements [brokered.Ward].
func (l *link) Probe() { l.vigil.Probe(l.a.base.Out, l.a.probeChannel(), tagProbe) }

// Stalled implements [brokered.Ward]. The form's own connection is never silent for
// longer than it blocks.
func (l *link) Stalled() error {
	if l.vigil.Stalled(l.pub.silent(), l.sub.silent()) || l.own != nil && l.own.silent() > block+l.vigil.Patience() {
		return errStalled
	}
	return nil
}

// Left implements [brokered.Ward].
func (l *link) Left() error {
	if l.a.o.Sentinel == "" {
		return nil
	}
	if addr, err := l.a.o.master(l.ctx); err == nil && addr != l.addr {
		return errMoved
	}
	return nil
}

// Ailing implements [brokered.Ward].
func (l *link) Ailing(err error) {
	if err == nil {
		l.a.base.In.Up(false)
	} else {
		l.a.base.In.Down(err)
	}
}

// Verify implements [brokered.Ward].
func (l *link) Verify() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.a.pace.Patience)
	defer cancel()
	addr, err := l.a.o.master(ctx)
	if err != nil {
		return err
	}
	return l.a.o.verify(ctx, l.a.pace.Patience, addr)
}
