package engineio

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// halfPipe is a connection whose sides can be ended one by one, as TCP's: here
// ours ends without a word, and the client's not at all.
type halfPipe struct{ net.Conn }

func (halfPipe) CloseWrite() error { return nil }

// Shutdown sends what is left, for WriteTimeout at most, and does not wait so
// long for a client that has taken all and does not end its side: there are
// libraries that never do.
func TestShutdownWaitsBrieflyForTheClientsEnd(t *testing.T) {
	drain := func(after time.Duration) func(*socket) {
		return func(s *socket) {
			time.Sleep(after)
			_, _ = io.Copy(io.Discard, s) // until the server cuts it
		}
	}
	for name, c := range map[string]struct {
		client      func(*socket)
		timeout     time.Duration // WriteTimeout
		least, most time.Duration // that Shutdown takes
	}{
		"takes all":                      {drain(0), 0, hangUp, hangUp + time.Second},
		"takes all a little late":        {drain(time.Second), 0, hangUp, hangUp + time.Second},
		"takes all after a while":        {drain(hangUp + 2*time.Second), 0, 2 * hangUp, 2*hangUp + time.Second},
		"takes nothing":                  {drain(time.Hour), 0, 30 * time.Second, 31 * time.Second},
		"takes nothing, WriteTimeout":    {drain(time.Hour), 7 * time.Second, 7 * time.Second, 8 * time.Second},
		"takes all, short WriteTimeout":  {drain(0), 2 * time.Second, 2 * time.Second, 3 * time.Second},
		"takes all late, no bound":       {drain(12 * time.Minute), -1, 12 * time.Minute, 12*time.Minute + 2*hangUp},
		"takes all, no bound of the end": {drain(0), -1, hangUp, hangUp + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipes{ch: make(chan net.Conn), done: make(chan struct{})}
				dial := func() (net.Conn, error) {
					a, b := net.Pipe()
					l.ch <- halfPipe{b}
					return a, nil
				}
				o := quiet()
				o.WriteTimeout, o.PingInterval = c.timeout, -1
				r := newRig(t, o, l, dial, nil)
				s, e := r.openWebSocket(4)
				_ = e.s.Send(text("a last word"), 0)
				var client sync.WaitGroup
				client.Go(func() { c.client(s) })
				start := time.Now()
				if err := r.srv.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took < c.least || took > c.most {
					t.Errorf("it took %v, want %v to %v", took, c.least, c.most)
				}
				_ = s.Close()
				client.Wait()
			})
		})
	}
}
