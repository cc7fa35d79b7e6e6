// Command sockeye is the Sockeye server that the benchmarks measure: Gin and
// the library's public API, nothing else. The load generator starts it; see
// the README of the benchmarks for the environment variables it reads.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
)

func main() {
	if err := run(); err != nil {
		slog.Error("sockeye bench server", "err", err)
		os.Exit(1)
	}
}

func run() error {
	a, err := cluster()
	if err != nil {
		return err
	}
	io := socketio.New(&socketio.Options{Cluster: a, ClusterOptions: forwarding(), Engine: socketio.EngineOptions{
		AllowEIO3:     true,
		DisablePoller: os.Getenv("POLLER") == "off",
	}})
	if err := register(io.Of("/"), os.Getenv("ECHO")); err != nil {
		return err
	}

	gin.SetMode(gin.ReleaseMode)
	app := gin.New()
	app.Any(io.Path()+"*any", gin.WrapH(io))
	app.GET("/debug/mem", memory)
	if os.Getenv("PPROF") != "" {
		profiles(app)
	}

	if os.Getenv("OPS") != "" {
		operated(app, io)
	}

	ln, err := listen()
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: app, ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return err
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	// The generator stops the server with its clients still connected, and
	// does not wait for them to be told: running out of time is no failure.
	if err := io.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return srv.Close()
}

// listen opens PORT on loopback; with TLS=1 or TLS_CERT and TLS_KEY behind TLS.
func listen() (net.Listener, error) {
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	certFile := os.Getenv("TLS_CERT")
	if certFile == "" && os.Getenv("TLS") != "1" {
		return ln, nil
	}
	var cert tls.Certificate
	if certFile != "" {
		cert, err = tls.LoadX509KeyPair(certFile, os.Getenv("TLS_KEY"))
	} else {
		cert, err = selfSigned()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("certificate: %w", err), ln.Close())
	}
	return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}), nil
}
