// Command natsd is a NATS server for tests: at the loopback port it is told, with
// JetStream if it is told a folder too.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "natsd:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		return fmt.Errorf("usage: natsd PORT [FOLDER]")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	o := &server.Options{Host: "127.0.0.1", Port: port, NoSigs: true}
	if len(os.Args) == 3 {
		o.JetStream, o.StoreDir = true, os.Args[2]
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, os.Interrupt)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("not ready at port %d", port)
	}
	fmt.Println("Ready to accept connections")
	<-ended
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}
