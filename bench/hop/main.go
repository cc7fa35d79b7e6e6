// Command hop measures what it costs that a request reaches another node than
// the one that has its session: CPU of both servers for each request of a polling
// client and for each message of a WebSocket, and memory for each poll that is
// held, beside the same at the right node, in interleaved rounds. It prints a
// table of medians.
//
// Run it in the folder above: go run ./hop. It starts two servers on ports of
// their own on loopback, and stops them.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	rounds  = flag.Int("rounds", 5, "rounds")
	length  = flag.Duration("for", 2*time.Second, "how long each takes")
	clients = flag.Int("clients", 20, "clients at once")
	held    = flag.Int("held", 500, "polls held at once, for their memory")
	profile = flag.String("profile", "", "a folder for CPU profiles of both servers, while requests are polled that need a hop")
	program = flag.String("program", "", "a server that was built before, to compare versions; empty: ./sockeye is built")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "hop:", err)
		os.Exit(1)
	}
}

// A server is one of the two nodes.
type server struct {
	addr string
	cmd  *exec.Cmd
}

func run() error {
	dir, err := os.MkdirTemp("", "sockeye-hop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := *program
	if bin == "" {
		bin = filepath.Join(dir, "sockeye")
		if text, err := exec.Command("go", "build", "-o", bin, "./sockeye").CombinedOutput(); err != nil {
			return fmt.Errorf("go build ./sockeye: %w\n%s", err, text)
		}
	}
	ports, err := freePorts(4)
	if err != nil {
		return err
	}
	// A node of a mesh listens so far above its own port.
	url := "mesh://127.0.0.1:" + strconv.Itoa(ports[2]) + ",127.0.0.1:" + strconv.Itoa(ports[3])
	var nodes [2]*server
	for i := range nodes {
		nodes[i] = &server{addr: "127.0.0.1:" + strconv.Itoa(ports[i]), cmd: exec.Command(bin)}
		nodes[i].cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(ports[i]), "MESH_OFFSET="+strconv.Itoa(ports[i+2]-ports[i]),
			"CLUSTER="+url, "CLUSTER_SECRET=a secret of two servers", "PPROF=1")
		if err := nodes[i].cmd.Start(); err != nil {
			return err
		}
		defer func() {
			_ = nodes[i].cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			_ = nodes[i].cmd.Wait()
		}()
	}
	if err := together(nodes); err != nil {
		return err
	}
	if *profile != "" {
		return profiles(nodes, *profile)
	}
	kinds := []struct {
		title string
		work  func(ctx context.Context, own, to string, n *atomic.Int64) error
	}{{"µs for each request of a polling client", poll}, {"µs for each message of a WebSocket and its echo", socket}}
	for _, k := range kinds {
		cost := make([][]float64, 2)
		for range *rounds {
			for i := range nodes { // session on the first; asked for there, or at the other
				c, err := measure(nodes, func(ctx context.Context, n *atomic.Int64) error { return k.work(ctx, nodes[0].addr, nodes[i].addr, n) })
				if err != nil {
					return err
				}
				cost[i] = append(cost[i], c)
			}
		}
		print(k.title, cost)
	}
	cost := make([][]float64, 2)
	for range *rounds {
		for i := range nodes {
			kb, err := memory(nodes, nodes[i].addr)
			if err != nil {
				return err
			}
			cost[i] = append(cost[i], kb)
		}
	}
	fmt.Printf("%-50s direct %6.1f   with a hop %6.1f\n", "KB more for each poll that is held", median(cost[0]), median(cost[1]))
	return nil
}

// profiles writes what both do meanwhile.
func profiles(nodes [2]*server, dir string) error {
	var both sync.WaitGroup
	errs := make([]error, len(nodes)+1)
	for i, s := range nodes {
		both.Go(func() { errs[i] = s.profile(filepath.Join(dir, fmt.Sprintf("node%d.pprof", i))) })
	}
	both.Go(func() {
		var us float64
		us, errs[len(nodes)] = measure(nodes, func(ctx context.Context, n *atomic.Int64) error { return poll(ctx, nodes[0].addr, nodes[1].addr, n) })
		fmt.Printf("%.1f µs for each request with a hop\n", us)
	})
	both.Wait()
	return errors.Join(errs...)
}

func (s *server) profile(file string) error {
	resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.addr, max(1, int(length.Seconds())-1)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

func print(title string, cost [][]float64) {
	direct, hop := median(cost[0]), median(cost[1])
	fmt.Printf("%-50s direct %6.1f   with a hop %6.1f   ratio %.2f\n", title, direct, hop, hop/direct)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// measure runs clients for a while, and returns the CPU of both servers for each
// thing that they have done.
func measure(nodes [2]*server, work func(ctx context.Context, n *atomic.Int64) error) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), *length)
	defer cancel()
	before, err := cpu(nodes)
	if err != nil {
		return 0, err
	}
	var n atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, *clients)
	for i := range errs {
		all.Go(func() { errs[i] = work(ctx, &n) })
	}
	all.Wait()
	after, err := cpu(nodes)
	if err := errors.Join(append(errs, err)...); err != nil {
		return 0, err
	}
	return float64(after-before) / 1e3 / float64(n.Load()), nil
}

// cpu is what both have taken so far, in ns.
func cpu(nodes [2]*server) (sum int64, err error) {
	for _, s := range nodes {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		for _, t := range threads {
			line, err := os.ReadFile(t)
			if err != nil {
				continue // it has ended
			}
			ns, err := strconv.ParseInt(strings.Fields(string(line))[0], 10, 64)
			if err != nil {
				return 0, err
			}
			sum += ns
		}
	}
	return sum, nil
}

// A conn is a connection of HTTP/1.1.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReader(c)}, nil
}

const path = "/socket.io/?EIO=4&transport=polling"

// ask sends a request, and returns the body of the answer.
func (c *conn) ask(method, query, body string) (string, error) {
	if _, err := fmt.Fprintf(c, "%s %s%s HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%s", method, path, query, len(body), body); err != nil {
		return "", err
	}
	return c.answer()
}

func (c *conn) get(query string) (string, error) {
	if _, err := fmt.Fprintf(c, "GET %s%s HTTP/1.1\r\nHost: bench\r\n\r\n", path, query); err != nil {
		return "", err
	}
	return c.answer()
}

func (c *conn) answer() (string, error) {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, text)
	}
	return string(text), err
}

// open opens a session at own, and a connection to the node to.
func open(own, to string) (c *conn, query string, err error) {
	first, err := dial(own)
	if err != nil {
		return nil, "", err
	}
	defer first.Close()
	text, err := first.get("")
	if err != nil {
		return nil, "", err
	}
	_, rest, _ := strings.Cut(text, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	if c, err = dial(to); err != nil {
		return nil, "", err
	}
	query = "&sid=" + sid
	if _, err = c.ask("POST", query, "40"); err == nil {
		_, err = c.get(query)
	}
	return c, query, err
}

// poll says something and polls for its echo, again and again.
func poll(ctx context.Context, own, to string, n *atomic.Int64) error {
	c, query, err := open(own, to)
	if err != nil {
		return err
	}
	defer c.Close()
	for ctx.Err() == nil {
		if _, err := c.ask("POST", query, `420["echo","hello"]`); err != nil {
			return err
		}
		for {
			text, err := c.get(query)
			if err != nil {
				return err
			}
			n.Add(1)
			if strings.Contains(text, "hello") {
				break
			}
		}
		n.Add(1)
	}
	_, err = c.ask("POST", query, "1")
	return err
}

// socket says something and waits for its echo, over a WebSocket that has taken
// over from polling.
func socket(ctx context.Context, own, to string, n *atomic.Int64) error {
	c, query, err := open(own, to)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s%s HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		strings.Replace(path, "polling", "websocket", 1), query)
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("%v %w", resp, err)
	}
	say := func(text string) {
		_, _ = c.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)) // an error shows with the next frame
	}
	hear := func() (string, error) {
		var head [2]byte
		if _, err := io.ReadFull(c.r, head[:]); err != nil {
			return "", err
		}
		b := make([]byte, head[1])
		_, err := io.ReadFull(c.r, b)
		return string(b), err
	}
	say("2probe")
	if text, err := hear(); err != nil || text != "3probe" {
		return fmt.Errorf("%q, not a probe's answer: %w", text, err)
	}
	say("5")
	for ctx.Err() == nil {
		say(`420["echo","hello"]`)
		for {
			text, err := hear()
			if err != nil {
				return err
			}
			if strings.Contains(text, "hello") {
				break
			}
		}
		n.Add(1)
	}
	return nil
}

// memory is what both servers hold for a poll that waits, in KB.
func memory(nodes [2]*server, to string) (kb float64, err error) {
	conns := make([]*conn, *held)
	queries := make([]string, *held)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	for i := range conns {
		if conns[i], queries[i], err = open(nodes[0].addr, to); err != nil {
			return 0, err
		}
	}
	before, err := rss(nodes)
	if err != nil {
		return 0, err
	}
	for i, c := range conns {
		if _, err := fmt.Fprintf(c, "GET %s%s HTTP/1.1\r\nHost: bench\r\n\r\n", path, queries[i]); err != nil {
			return 0, err
		}
	}
	time.Sleep(time.Second)
	after, err := rss(nodes)
	return (after - before) / float64(*held), err
}

// rss is what both hold, in KB, once garbage is gone.
func rss(nodes [2]*server) (sum float64, err error) {
	for _, s := range nodes {
		resp, err := http.Get("http://" + s.addr + "/debug/mem?gc=1&free=1")
		if err != nil {
			return 0, err
		}
		_ = resp.Body.Close()
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
		kb, err := strconv.ParseFloat(string(bytes.Fields(rest)[0]), 64)
		if err != nil {
			return 0, err
		}
		sum += kb
	}
	return sum, nil
}

// together waits until the servers pass requests on.
func together(nodes [2]*server) error {
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		c, _, e := open(nodes[0].addr, nodes[1].addr)
		if c != nil {
			c.Close()
		}
		if err = e; err == nil {
			return nil
		}
	}
	return fmt.Errorf("the servers do not find each other: %w", err)
}

func freePorts(n int) (ports []int, err error) {
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
