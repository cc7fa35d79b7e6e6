package socketio_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// inChild says that this test binary is to be a server that will be stopped.
const inChild = "SOCKEYE_TEST_STOPPED"

const (
	stoppedInterval = 300 * time.Millisecond
	stoppedTimeout  = 3 * time.Second // clients that share a busy machine answer by then
)

// A server that is not run for longer than its heartbeat waits, as a suspended
// machine's: for its timers a jump of the clock. It goes on: who was connected
// is still, or has ended with "ping timeout"; new clients connect; and the
// heartbeats that were missed are not made up for.
func TestStoppedProcess(t *testing.T) {
	if os.Getenv(inChild) != "" {
		serveUntilEOF(t)
		return
	}
	addr, process, end := startServer(t)
	g := &ground{t: t, addr: addr}
	var all []*stoppedClient
	for range 10 {
		all = append(all, &stoppedClient{wire: g.webSocket()})
	}
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(c.live)
	}
	polling := g.poller().join()
	polling.park()

	before := stoppedStats(t, addr)
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-time.After(stoppedInterval + stoppedTimeout + stoppedInterval) // how long the fault lasts
	for _, c := range all {
		c.pings(true)
	}
	resumed := time.Now()
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}

	fresh := g.webSocket() // who connects now is served
	fresh.ask("hello")
	_ = fresh.Close()
	polling.answer() // a ping, or the end
	_ = polling.Close()
	eventually(t, "each lives, or has ended", func() bool {
		for _, c := range all {
			if !c.settled() {
				return false
			}
		}
		return true
	})
	elapsed := time.Since(resumed)
	for _, c := range all {
		if n, most := c.pings(false), 2+int(elapsed/stoppedInterval); n > most {
			t.Errorf("%d pings came in %v, at most %d are due", n, elapsed, most)
		}
	}
	after := stoppedStats(t, addr)
	for reason, n := range after.Engine.Closed {
		if reason != "ping timeout" && reason != lost && reason != failed && n > before.Engine.Closed[reason] {
			t.Errorf("%d sessions ended with %q", n, reason)
		}
	}
	t.Logf("of %d sessions %d ended with ping timeout", len(all)+1, after.Engine.Closed["ping timeout"])
	for _, c := range all {
		_ = c.Close()
	}
	wg.Wait()
	if err := end(); err != nil {
		t.Errorf("the server: %v", err)
	}
}

// stoppedClient answers pings, and says whether it has heard from its server
// since it was resumed.
type stoppedClient struct {
	*wire
	mu    sync.Mutex
	count int  // pings since the last look
	ended bool // the connection
}

func (c *stoppedClient) live() {
	for {
		s, err := c.read()
		c.mu.Lock()
		if err != nil || s == "close" {
			c.ended = true
		}
		if s == "2" {
			c.count++
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
		if s == "2" {
			_, _ = io.WriteString(c.Conn, frame(opText, "3")) // it may be over
		}
	}
}

func (c *stoppedClient) pings(reset bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.count
	if reset {
		c.count = 0
	}
	return n
}

func (c *stoppedClient) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended || c.count > 0
}

// serveUntilEOF is the child.
func serveUntilEOF(t *testing.T) {
	opts := &socketio.Options{Logger: slog.New(slog.DiscardHandler)}
	opts.Engine.PingInterval, opts.Engine.PingTimeout = stoppedInterval, stoppedTimeout
	srv := echoServer(opts)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(srv.Stats()); err != nil {
			t.Error(err)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	fmt.Println("listening", l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	_ = web.Close()
	<-served
	checkBooks(t, srv.Stats())
}

func stoppedStats(t *testing.T, addr string) (st socketio.Stats) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get("http://" + addr + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&st); err != nil {
		t.Fatal(err)
	}
	return st
}

// startServer runs this test in a process of its own. end has it end, and says
// whether it did so well.
func startServer(t *testing.T) (addr string, process *os.Process, end func() error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inChild+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var rest []byte
	read := make(chan struct{})
	end = sync.OnceValue(func() error {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%w: %s", err, rest)
		}
		return nil
	})
	t.Cleanup(func() { _ = end() })
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	go func() {
		defer close(read)
		rest, _ = io.ReadAll(lines)
	}()
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("the server said %q: %v", line, err)
	}
	return addr, cmd.Process, end
}
