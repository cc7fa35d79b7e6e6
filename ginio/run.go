package ginio

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
)

// Grace is how long Run and Serve wait, once their ctx has ended, for handlers
// and requests to finish.
const Grace = 10 * time.Second

// Run listens on addr, ":3000" say, and serves router, on which srv is mounted,
// until ctx ends. Then it stops in the order that loses nothing: srv first
// (handlers finish, clients are told and will come back by themselves), then
// the requests of other routes. That takes no longer than Grace; what has not
// finished by then is cut off.
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
//	defer stop()
//	if err := ginio.Run(ctx, ":3000", router, srv); err != nil {
//		log.Fatal(err)
//	}
//
// A clean stop returns nil. Other errors are those of listening and accepting,
// and [context.DeadlineExceeded] if something was cut off ([errors.Is]; there
// may be several in one). In the end srv is closed, whatever happened. An empty
// addr is ":http". Requests have 10 s for their head, of at most 16 KiB; a
// program that wants it otherwise has an [http.Server] of its own, and calls
// [socketio.Server.Shutdown] before that one's.
func Run(ctx context.Context, addr string, router http.Handler, srv *socketio.Server) error {
	if addr == "" {
		addr = ":http"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	return Serve(ctx, l, router, srv)
}

// Serve is Run on a listener, which it closes: a Unix socket, say, or one of
// tls.NewListener.
func Serve(ctx context.Context, l net.Listener, router http.Handler, srv *socketio.Server) error {
	web := &http.Server{
		Handler:           router,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10, // as Node
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	if gin.IsDebugging() {
		fmt.Fprintf(gin.DefaultWriter, "[GIN-debug] Listening and serving HTTP and Socket.IO on %s\n", l.Addr())
	}
	select {
	case err := <-served:
		return errors.Join(err, srv.Close(), web.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), Grace)
	defer cancel()
	err := srv.Shutdown(grace)
	if e := web.Shutdown(grace); e != nil {
		err = errors.Join(err, e, web.Close())
	}
	<-served
	return err
}
