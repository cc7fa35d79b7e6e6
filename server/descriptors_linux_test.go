package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
)

// inChild says that this test binary is to be the program, with few descriptors.
const inChild = "SOCKEYE_TEST_DESCRIPTORS"

// Clients take all descriptors of the program. Those that it has are served as
// before, on all they do; accepting pauses, and says so once; and when clients
// leave, those that wait get in.
func TestDescriptorsExhausted(t *testing.T) {
	if os.Getenv(inChild) != "" {
		fewDescriptors(t)
		return
	}
	p := startChild(t)
	witness := dialEcho(t, p.addr)
	polling, plain := dialPlain(t, p.addr), dialPlain(t, p.addr) // neither gets another connection for now
	_, text := polling.ask(t, http.MethodGet, "/socket.io/?EIO=4&transport=polling", "")
	_, sid, _ := strings.Cut(text, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	session := "/socket.io/?EIO=4&transport=polling&sid=" + sid
	if n := p.acceptErrors(t, plain); n != 0 {
		t.Fatalf("%d errors before the test has begun", n)
	}
	served := func() {
		witness.echo(t, "still here")
		if status, text := polling.ask(t, http.MethodPost, session, "3"); status != http.StatusOK {
			t.Fatalf("a post: %d %s", status, text)
		}
		// The connection goes back to the HTTP server, and is taken over again.
		if status, text := polling.ask(t, http.MethodGet, "/healthz", ""); status != http.StatusOK {
			t.Fatalf("another request on its connection: %d %s", status, text)
		}
	}
	served()
	polling.ask(t, http.MethodPost, session, "3") // so its connection is taken over, and has to change hands
	before := p.descriptors(t)

	begin := time.Now()
	var crowd []net.Conn
	for range 150 { // of which the kernel keeps those that the program cannot take
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, c)
		if _, err := io.WriteString(c, echoRequest); err != nil {
			t.Fatal(err)
		}
	}
	failures := 0
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for failures < 5 || time.Since(begin) < 1500*time.Millisecond {
		witness.echo(t, "still here")
		if failures = p.acceptErrors(t, plain); failures >= 5 {
			served()
		}
		if time.Since(begin) > patience {
			t.Fatalf("%d accept errors", failures)
		}
		<-tick.C
	}
	// Pauses of 5 ms, doubled up to a second: a loop without would be far beyond.
	if most := 20 + 2*int(time.Since(begin).Seconds()); failures > most {
		t.Errorf("accepting failed %d times, at most %d are due", failures, most)
	}

	for _, c := range crowd {
		_ = c.Close()
	}
	late := dialEcho(t, p.addr)
	late.echo(t, "let in")
	_ = late.Close()
	served()
	for begin := time.Now(); p.descriptors(t) > before; <-tick.C {
		if time.Since(begin) > patience {
			t.Fatalf("%d descriptors are open, %d were before", p.descriptors(t), before)
		}
	}
	_ = witness.Close()
	elapsed := time.Since(begin)
	log := p.stop(t)
	if n := strings.Count(log, "cannot be accepted"); n < 1 || n > 1+int(elapsed/tellEvery) {
		t.Errorf("the log tells of it %d times:\n%.2000s", n, log)
	}
	if !strings.Contains(log, "ulimit") {
		t.Errorf("the log does not say what to do:\n%.2000s", log)
	}
}

var patience = slow.Stretch(30 * time.Second)

// fewDescriptors is the child: the program, until its input ends.
func fewDescriptors(t *testing.T) {
	limit := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	s, err := New(local0(), site(), slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	if err := s.Run(ctx, os.Stdout); err != nil {
		t.Error(err)
	}
}

func local0() Config {
	config := local()
	config.Port = 0
	return config
}

// child is the program in a process of its own.
type child struct {
	addr string
	cmd  *exec.Cmd
	in   io.Closer
	log  bytes.Buffer
	once sync.Once
	err  error
}

func startChild(t *testing.T) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &child{cmd: exec.Command(self, "-test.run=^"+t.Name()+"$")}
	p.cmd.Env = append(os.Environ(), inChild+"=1")
	p.cmd.Stderr = &p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program printed nothing: %v, %v", err, p.end())
	}
	_, rest, ok := strings.Cut(line, "open ")
	url, _, _ := strings.Cut(rest, " ")
	p.addr = strings.Trim(strings.TrimPrefix(url, "http:"), "/")
	if !ok {
		t.Fatalf("no address in %q", line)
	}
	return p
}

// end ends the program, once.
func (p *child) end() error {
	p.once.Do(func() {
		_ = p.in.Close()
		p.err = p.cmd.Wait()
	})
	return p.err
}

// stop is end for a program that has to end well. It returns what it has logged.
func (p *child) stop(t *testing.T) string {
	t.Helper()
	if err := p.end(); err != nil {
		t.Errorf("the program: %v\n%.2000s", err, p.log.String())
	}
	return p.log.String()
}

// descriptors counts what the program has open.
func (p *child) descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func (p *child) acceptErrors(t *testing.T, c *plainClient) int {
	t.Helper()
	_, text := c.ask(t, http.MethodGet, "/metrics", "")
	_, rest, _ := strings.Cut(text, "\nsockeye_accept_errors_total ")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// plainClient is an HTTP client of one connection. (One of net/http opens others
// as it likes.)
type plainClient struct {
	net.Conn
	in *bufio.Reader
}

func dialPlain(t *testing.T, addr string) *plainClient {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return &plainClient{nc, bufio.NewReader(nc)}
}

func (c *plainClient) ask(t *testing.T, method, target, body string) (status int, text string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: host.example\r\nContent-Length: %d\r\n\r\n%s", method, target, len(body), body); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return res.StatusCode, string(b)
}

const echoRequest = "GET / HTTP/1.1\r\nHost: host.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

func dialEcho(t *testing.T, addr string) *plainClient {
	t.Helper()
	c := dialPlain(t, addr)
	if _, err := io.WriteString(c, echoRequest); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("no WebSocket: %v, %v", res, err)
	}
	return c
}

func (c *plainClient) echo(t *testing.T, text string) {
	t.Helper()
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...) // masked with zeros
	if _, err := c.Write(frame); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2+len(text))
	if _, err := io.ReadFull(c.in, answer); err != nil || string(answer[2:]) != text {
		t.Fatalf("echo: %q, %v", answer, err)
	}
}
