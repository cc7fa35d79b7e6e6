package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/server/clientdist"
)

// Run listens and serves until ctx ends, then stops: clients are told, running
// handlers finish, and all of it takes no longer than Config.Grace. It writes
// the address to open to out. A clean stop returns nil.
func (s *Server) Run(ctx context.Context, out io.Writer) (err error) {
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := s.listen(ctx)
	if err != nil {
		return err
	}
	l = &listener{Listener: l, log: s.log, failed: &s.unaccepted}
	scheme := "http"
	if conf := s.encrypted(); conf != nil {
		l, scheme = tls.NewListener(l, conf), "https"
	}
	defer s.listenForFrames()()
	srv := httpServer(s, s.log)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	if err := s.announce(out, scheme, l.Addr()); err != nil {
		s.log.Warn("the address could not be printed", "error", err)
	}

	select {
	case err := <-served:
		return err // only if accepting failed
	case <-ctx.Done():
	}
	err = s.stop(srv)
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// httpServer is the one around h: nobody may take as long as they like.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // the Socket.IO server sets its own, longer and shorter
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what clients do wrong
	}
}

// stop ends the connections first: a Socket.IO connection is no longer the
// HTTP server's, and a poll that waits would keep it from stopping.
func (s *Server) stop(srv *http.Server) error {
	s.log.Info("stopping", "clients", s.io.Engine().Len(), "grace", s.config.Grace)
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Grace)
	defer cancel()
	plain := make(chan error, 1)
	go func() { plain <- s.ws.Shutdown(ctx) }()
	late := errors.Join(s.io.Shutdown(ctx), <-plain)
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		late, err = err, srv.Close()
	}
	if errors.Is(late, context.DeadlineExceeded) {
		s.log.Warn("not everything finished in time and was cut off", "grace", s.config.Grace)
		late = nil
	}
	return errors.Join(late, err)
}

func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	address := net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port))
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is taken by another program: stop that one, or choose another port with --port or PORT", s.config.Port)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d needs more rights than this program has: choose one above 1023 with --port or PORT", s.config.Port)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}

// announce says where to look.
func (s *Server) announce(out io.Writer, scheme string, addr net.Addr) error {
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Sockeye is ready: open %s (Ctrl+C stops it)\n", address(scheme, s.config.Host, port))
	if s.config.Public != "" {
		text += fmt.Sprintf("Serving the pages in %s\n", s.config.Public)
		if _, err := os.Stat(filepath.Join(s.config.Public, "index.html")); errors.Is(err, fs.ErrNotExist) {
			text += "There is no index.html in it, so that address answers 404: write one, or open a page by its name.\n"
		}
	}
	if !clientdist.Built() {
		text += "The browser client is not built in: stop, run \"make client\", start again.\n"
	}
	_, err = io.WriteString(out, text)
	return err
}
