// Command sockeye serves the pages in public/ and the Socket.IO namespaces
// behind them. Run it with --help to see its options and its other commands.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/sockeye-io/sockeye/server"
)

//go:embed public
var public embed.FS

// Example modules of their own are not in it: go:embed ends where a module does.
//
//go:embed README.md README.zh-CN.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs
var documents embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	p := &process{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, environ: os.Environ}
	code := p.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// process is what a command may use of the process it runs in.
type process struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	environ  func() []string
}

// main runs the command that args name, or serves, and returns the exit code.
func (p *process) main(ctx context.Context, args []string) int {
	c := serve
	if len(args) > 0 {
		if named := find(args[0]); named != nil {
			c, args = *named, args[1:]
		}
	}
	return p.exit(c, c.run(ctx, p, args))
}

// serve is what the program does unless another command is named.
var serve = command{name: "", run: func(ctx context.Context, p *process, args []string) error {
	config, err := server.Parse(args, p.getenv, p.out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(p.out, commandsHelp())
		return err
	case err != nil:
		return usageError{err}
	case config.Version:
		_, err = fmt.Fprintln(p.out, "sockeye", build().Version)
		return err
	}
	others, err := p.known()
	if err != nil {
		return err
	}
	pages, err := fs.Sub(public, "public")
	if err != nil {
		return err
	}
	config.Docs = documents
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: config.LogLevel}))
	for _, name := range others {
		log.Warn("a variable of the environment begins like a setting, is none, and is not read; --help lists those that are", "name", name)
	}
	s, err := server.New(config, pages, log)
	if err != nil {
		return err
	}
	return s.Run(ctx, p.out)
}}
