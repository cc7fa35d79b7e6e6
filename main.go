// Command sockeye serves the pages in public/ and the Socket.IO namespaces
// behind them. Run it with --help to see its options.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/sockeye-io/sockeye/server"
)

//go:embed public
var public embed.FS

func main() {
	config, err := server.Parse(os.Args[1:], os.Getenv, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "sockeye:", err)
		os.Exit(2)
	case config.Version:
		fmt.Println("sockeye", version())
		return
	}
	if err := run(config); err != nil {
		fmt.Fprintln(os.Stderr, "sockeye:", err)
		os.Exit(1)
	}
}

func run(config server.Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the program at once

	pages, err := fs.Sub(public, "public")
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: config.LogLevel}))
	s, err := server.New(config, pages, log)
	if err != nil {
		return err
	}
	return s.Run(ctx, os.Stdout)
}

// version is the module's, as the go command has recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
