package postgres

import (
	"context"
	"fmt"

	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
)

var errStalled = fmt.Errorf("postgres: %w", brokered.ErrStalled)

// Probe implements [brokered.Ward].
func (l *link) Probe() { l.vigil.Probe(l.a.base.Out, l.a.probeChannel(), tagProbe) }

// Stalled implements [brokered.Ward].
func (l *link) Stalled() error {
	if l.vigil.Stalled(l.pub.silent(), l.sub.silent()) {
		return errStalled
	}
	return nil
}

// Left implements [brokered.Ward]: there is one server.
func (l *link) Left() error { return nil }

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
	c, err := l.a.dial(ctx)
	if err == nil {
		c.close()
	}
	return err
}
