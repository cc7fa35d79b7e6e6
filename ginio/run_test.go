package ginio_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
)

// Run stops in order: what handlers say still arrives, the connection is closed
// for the client to come back, and the port is free.
func TestServeStops(t *testing.T) {
	sio := server(0)
	joined, finish, left := make(chan struct{}), make(chan struct{}), make(chan socketio.DisconnectReason, 1)
	sio.On("work", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		close(joined)
		<-finish
		return r.Ack("done")
	})
	sio.OnDisconnect(func(_ context.Context, _ *socketio.Socket, reason socketio.DisconnectReason) { left <- reason })
	router := gin.New()
	ginio.Mount(router, sio)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- ginio.Serve(ctx, l, router, sio) }()

	p := newPoller("http://" + l.Addr().String() + "/socket.io/")
	defer p.close()
	if err := p.open(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.do(http.MethodPost, `427["work"]`, nil); err != nil {
		t.Fatal(err)
	}
	<-joined
	stop()
	close(finish)
	for _, want := range []string{`437["done"]`, "1"} {
		if got, err := p.next(); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if reason := <-left; reason != socketio.ServerShuttingDown {
		t.Errorf("reason %q", string(reason))
	}
	again, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestRunTellsWhatFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sio := server(0)
	if err := ginio.Run(t.Context(), l.Addr().String(), gin.New(), sio); err == nil || sio.Ready() {
		t.Errorf("a port that is taken: %v, ready: %v", err, sio.Ready())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := ginio.Serve(t.Context(), l, gin.New(), server(0)); err == nil {
		t.Error("a listener that is closed is no error")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := ginio.Run(ctx, "127.0.0.1:0", gin.New(), server(0)); err != nil {
		t.Errorf("a stop before the start: %v", err)
	}
}
