// Command restart is a server that writes every order it takes to the file
// LEDGER before it acknowledges it. A test restarts it under load and compares
// the ledger with what clients were told.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

const order socketio.Call[string, string] = "order"

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ledger, err := os.OpenFile(os.Getenv("LEDGER"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	io := socketio.New(&socketio.Options{
		Recovery:       &socketio.Recovery{},
		ShutdownSpread: 500 * time.Millisecond,
	})
	var mu sync.Mutex
	order.On(io, func(_ context.Context, _ *socketio.Socket, id string) (string, error) {
		time.Sleep(5 * time.Millisecond) // work that a shutdown has to wait for
		mu.Lock()
		defer mu.Unlock()
		_, err := fmt.Fprintln(ledger, id)
		return id, err
	})

	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	web := &http.Server{Handler: io, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }()
	fmt.Println("listening on port", ln.Addr().(*net.TCPAddr).Port)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = errors.Join(io.Shutdown(ctx), web.Shutdown(ctx))
	fmt.Println("stopped")
	return errors.Join(err, ledger.Close())
}
