package socketio_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// A second CONNECT while the first is being decided upon is the same wish; one
// for a namespace that was joined makes no sense, and ends the connection as in
// Node.
func TestConnectTwice(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		slow := io.Of("/slow")
		joins := 0
		slow.Use(func(context.Context, *socketio.Socket) error { time.Sleep(time.Second); return nil })
		slow.OnConnect(func(context.Context, *socketio.Socket) { joins++ })
		c := socketiotest.Serve(t, io).Connect(o)
		time.AfterFunc(500*time.Millisecond, func() {
			if err := c.SendRaw("0/slow,"); err != nil {
				t.Error(err)
			}
		})
		d := c.Join("/slow", nil)
		synctest.Wait()
		if joins != 1 || !c.Connected() || !d.Connected() {
			t.Fatalf("%d sockets joined; still connected: %v", joins, c.Connected())
		}
		_ = c.SendRaw("0/slow,") // over polling the end may come before the answer
		c.Disconnected()
	})
}
