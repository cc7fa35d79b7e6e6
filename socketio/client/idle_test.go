//go:build !race

package client_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/client"
)

// An idle client costs at most 12 KiB, its handlers and its goroutine's stack
// included. Its session on the server is in this process too, and costs 2 more.
func TestIdleClientIsSmall(t *testing.T) {
	const clients = 300
	_, url := serve(t, nil)
	use := func() uint64 {
		runtime.GC()
		runtime.GC() // stacks shrink one step at a time
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	connect := func() *client.Socket {
		s := dial(t, url, &client.Options{Transports: []string{client.WebSocket}})
		client.On(s, said, func(context.Context, string) error { return nil })
		return s
	}
	for range 20 { // pools and tables
		connect()
	}
	before := use()
	for range clients {
		connect()
	}
	if each := (use() - before) / clients; each > (12+2)<<10 {
		t.Errorf("%d bytes for an idle client and its session", each)
	} else {
		t.Logf("%d bytes for an idle client and its session", each)
	}
}
