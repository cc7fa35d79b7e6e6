package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// The server under test, in a process of its own: its memory, goroutines and
// descriptors are nobody else's. It knows the public API only.

// Its bounds are low enough for faults to reach them, and its deadlines long
// enough for a healthy client on a busy machine.
const (
	pingInterval   = 10 * time.Second
	pingTimeout    = 50 * time.Second
	connectTimeout = 30 * time.Second
	upgradeTimeout = 30 * time.Second
	headerTimeout  = 30 * time.Second
	maxQueue       = 256 << 10
	maxPayload     = 64 << 10
)

func newServer(log *slog.Logger) *socketio.Server {
	return socketio.New(&socketio.Options{
		Engine: engineio.Options{
			AllowEIO3:      true,
			PingInterval:   pingInterval,
			PingTimeout:    pingTimeout,
			UpgradeTimeout: upgradeTimeout,
			MaxQueue:       maxQueue,
			MaxPayload:     maxPayload,
		},
		ConnectTimeout: connectTimeout,
		AckTimeout:     10 * time.Second,
		Logger:         log,
	})
}

// serve runs the server until stdin ends. Each line of stdin is a command,
// answered with one line.
func serve() error {
	signal.Ignore(os.Interrupt) // it is the driver's: this process stops when told
	fresh := runtime.NumGoroutine()
	log, err := logTo(os.Getenv(logEnv))
	if err != nil {
		return err
	}
	srv := newServer(log)
	a := &app{io: srv}
	a.register(srv.Of("/"))
	a.register(srv.OfPattern(regexp.MustCompile(`^/side-\d+$`)))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(srv.Path(), srv)
	web := &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(shallow{ln}) }()

	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(ln.Addr().String()); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "report":
			err = out.Encode(a.report())
		case "all":
			a.allN++
			err = errors.Join(srv.Emit("all", a.allN), out.Encode(a.allN))
		case "stop":
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			err = errors.Join(srv.Shutdown(ctx), web.Shutdown(ctx))
			cancel()
			if e := <-served; e != http.ErrServerClosed {
				err = errors.Join(err, e)
			}
			err = errors.Join(err, allEnded(fresh), out.Encode(a.report()))
		default:
			err = fmt.Errorf("unknown command %q", in.Text())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// logTo logs all to a file that is named; faults fill it.
func logTo(file string) (*slog.Logger, error) {
	if file == "" {
		return slog.New(slog.DiscardHandler), nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), err
}

// shallow gives connections a small buffer of the kernel, so that a client that
// does not read is noticed soon.
type shallow struct{ net.Listener }

func (l shallow) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return c, err
}

// allEnded waits until no more goroutines run than at the beginning.
func allEnded(fresh int) error {
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > fresh {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines are left after the stop, %d ran at first:\n%s",
				runtime.NumGoroutine(), fresh, buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// report is what the server's process says of itself.
type report struct {
	Stats      socketio.Stats
	Goroutines int
	Heap       uint64 // bytes in use after garbage collection
	Resident   uint64 // bytes, as the system counts them
	Files      int    // descriptors
	Connected  int    // of those, sockets
	Books      *books
	Wrong      []string // broken promises that the application has seen
}

func (a *app) report() report {
	var mem runtime.MemStats
	runtime.GC() // and again: what sync.Pool keeps lives through one
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&mem)
	r := report{Stats: a.io.Stats(), Goroutines: runtime.NumGoroutine(), Heap: mem.HeapAlloc, Books: &a.books}
	r.Resident = resident()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		a.wrong("descriptors cannot be counted: %v", err)
	}
	for _, f := range files {
		r.Files++
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			r.Connected++
		}
	}
	a.mu.Lock()
	r.Wrong = append([]string{}, a.complaints...)
	a.mu.Unlock()
	return r
}

// resident is the resident set of this process in bytes; 0 if it is not known.
func resident() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages uint64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// child is the server's process, as its driver knows it.
type child struct {
	process *os.Process
	in      io.WriteCloser
	out     *json.Decoder
	Addr    string
}

// start runs this program again, as the server.
func start(log string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	fromChild, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	childIn, toChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p, err := os.StartProcess(self, []string{self}, &os.ProcAttr{
		Env:   append(os.Environ(), serverEnv+"=1", logEnv+"="+log),
		Files: []*os.File{childIn, childOut, os.Stderr}, // it ends when its stdin does
	})
	if err != nil {
		return nil, err
	}
	_ = childIn.Close()
	_ = childOut.Close()
	c := &child{process: p, in: toChild, out: json.NewDecoder(fromChild)}
	return c, c.out.Decode(&c.Addr)
}

// serverEnv tells the program that it is the server, and logEnv where to log.
const (
	serverEnv = "SOAK_SERVER"
	logEnv    = "SOAK_LOG"
)

func (c *child) ask(command string, answer any) error {
	if _, err := io.WriteString(c.in, command+"\n"); err != nil {
		return fmt.Errorf("the server's process: %w", err)
	}
	if err := c.out.Decode(answer); err != nil {
		return fmt.Errorf("the server's process did not answer %q: %w", command, err)
	}
	return nil
}

// end waits for the process; it has stopped, or stops now.
func (c *child) end() error {
	_ = c.in.Close()
	state, err := c.process.Wait()
	if err == nil && !state.Success() {
		err = fmt.Errorf("the server's process ended with %v", state)
	}
	return err
}
