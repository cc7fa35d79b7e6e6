//go:build linux

// Command loadgen measures what Socket.IO clients cost a server: CPU seconds
// and resident memory of the server's process, seen from outside.
//
// It connects many clients over WebSocket or HTTP long-polling from one epoll
// loop in one thread, runs one scenario and prints one JSON line on stdout.
// The exit status is 0 when the run succeeded, 1 when it failed (the line then
// has an "error"), 3 when -limit ended it. README.md describes the scenarios
// and their results. Linux only.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// config holds the flags; see parseFlags for their units and defaults.
type config struct {
	label        string
	scenario     string
	port         int
	path         string
	eio          int
	transport    string
	upgrade      bool
	tls          bool
	nodes        int
	pids         procList
	also         procList
	clients      int
	width        int
	sources      int
	connectLimit time.Duration
	settle       time.Duration
	hold         time.Duration
	memPath      string
	cycles       int
	kind         string
	size         int
	warmup       time.Duration
	duration     time.Duration
	drain        time.Duration
	rate         int
	window       int
	rooms        int
	slow         int
	curve        bool
	limit        time.Duration
	ping         time.Duration
}

// parseFlags returns the flags and the command of the server to start, if any.
func parseFlags() (*config, []string) {
	c := new(config)
	flag.StringVar(&c.label, "label", "", "copied into the result")
	flag.StringVar(&c.scenario, "scenario", "echo", "one of "+strings.Join(scenarioNames(), ", "))
	flag.IntVar(&c.port, "port", 38123, "server port on 127.0.0.1 (PORT of a started command)")
	flag.StringVar(&c.path, "path", "/socket.io/", "request path")
	flag.IntVar(&c.eio, "eio", 4, "Engine.IO revision: 4 (Socket.IO 5) or 3 (Socket.IO 2)")
	flag.StringVar(&c.transport, "transport", "websocket", "websocket or polling (EIO4)")
	flag.BoolVar(&c.upgrade, "upgrade", false, "connect by long-polling, then upgrade, as clients do by default (EIO4)")
	flag.BoolVar(&c.tls, "tls", false, "connect with TLS (unverified); a started command finds a certificate at TLS_CERT and TLS_KEY")
	flag.IntVar(&c.nodes, "nodes", 1, "server nodes on consecutive ports: the command is started this many times; clients take them in turn")
	flag.Var(&c.pids, "pid", "server processes to measure, PID[,PID...] (started commands by default)")
	flag.Var(&c.also, "also", "other processes to measure, NAME=PID[,...], such as a broker")
	flag.IntVar(&c.clients, "clients", 100, "clients to connect")
	flag.IntVar(&c.width, "width", 64, "handshakes under way at a time")
	flag.IntVar(&c.sources, "sources", 8, "spread clients over this many 127.0.0.x source addresses")
	flag.DurationVar(&c.connectLimit, "connect-limit", 90*time.Second, "give up connecting after this")
	flag.DurationVar(&c.settle, "settle", 10*time.Second, "idle, churn: time before memory is read")
	flag.DurationVar(&c.hold, "hold", 0, "idle: then measure CPU for this long")
	flag.StringVar(&c.memPath, "mem-path", "", "idle, churn: path on the server to fetch JSON from at the end, reported as mem")
	flag.IntVar(&c.cycles, "cycles", 10, "churn: how often to connect and disconnect all clients")
	flag.StringVar(&c.kind, "payload", "string", "payload kind: string or object")
	flag.IntVar(&c.size, "size", 64, "payload size in bytes")
	flag.DurationVar(&c.warmup, "warmup", time.Second, "load before measuring")
	flag.DurationVar(&c.duration, "duration", 5*time.Second, "measured time")
	flag.DurationVar(&c.drain, "drain", 3*time.Second, "fan-out: wait for late deliveries")
	flag.IntVar(&c.rate, "rate", 0, "fan-out: messages per second (0: closed loop)")
	flag.IntVar(&c.window, "window", 1, "fan-out, closed loop: messages under way at a time")
	flag.IntVar(&c.rooms, "rooms", 100, "rooms: how many to spread the clients over")
	flag.IntVar(&c.slow, "slow", 0, "broadcast: how many of the clients stop reading before the load")
	flag.BoolVar(&c.curve, "curve", false, "report the latency at more quantiles, as latency.curve")
	flag.DurationVar(&c.limit, "limit", 4*time.Minute, "end the whole run after this")
	flag.DurationVar(&c.ping, "client-ping", 25*time.Second, "EIO3: client ping interval")
	flag.Parse()
	return c, flag.Args()
}

// scenarios by name; a file of its own may add one in init.
var scenarios = map[string]func(*loop, *gauge, *config, *result) error{
	"idle":      runIdle,
	"echo":      runEcho,
	"broadcast": runFanout,
	"rooms":     runFanout,
	"churn":     runChurn,
}

func scenarioNames() []string { return slices.Sorted(maps.Keys(scenarios)) }

func main() {
	cfg, command := parseFlags()
	// The started server dies with this thread (Pdeathsig), and the loop
	// stays on it.
	runtime.LockOSThread()
	time.AfterFunc(cfg.limit, func() {
		fmt.Fprintln(os.Stderr, "loadgen: time limit")
		os.Exit(3)
	})
	r := &result{Label: cfg.label, Scenario: cfg.scenario, EIO: cfg.eio, Clients: cfg.clients}
	err := run(cfg, command, r)
	if err != nil {
		r.Error = err.Error()
	}
	line, jsonErr := json.Marshal(r)
	if jsonErr != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", jsonErr)
		os.Exit(1)
	}
	fmt.Println(string(line))
	if err != nil {
		os.Exit(1)
	}
}

// run starts the server if there is a command, connects and measures, and
// fills in r.
func run(cfg *config, command []string, r *result) error {
	scenario := scenarios[cfg.scenario]
	if scenario == nil {
		return fmt.Errorf("unknown scenario %q", cfg.scenario)
	}
	switch cfg.transport {
	case "websocket":
	case "polling":
		r.Transport = "polling"
	default:
		return fmt.Errorf("unknown transport %q", cfg.transport)
	}
	r.TLS = cfg.tls
	raiseFileLimit()
	if len(command) > 0 {
		stop, err := startServers(cfg, command)
		if err != nil {
			return err
		}
		defer stop()
	}
	opt := dialOptions{
		addr:    [4]byte{127, 0, 0, 1},
		path:    cfg.path,
		dialect: dialect{eio: cfg.eio},
		tls:     cfg.tls,
		upgrade: cfg.upgrade,
		polling: cfg.transport == "polling",
		sources: cfg.sources,
		ping:    cfg.ping,
	}
	for i := range max(cfg.nodes, 1) {
		opt.ports = append(opt.ports, cfg.port+i)
	}
	if cfg.nodes > 1 {
		r.Nodes = cfg.nodes
	}
	l, err := newLoop(opt)
	if err != nil {
		return err
	}
	defer l.close()
	return scenario(l, &gauge{nodes: cfg.pids, also: cfg.also}, cfg, r)
}

// raiseFileLimit allows as many descriptors as the system lets us have, here
// and in a server started from here.
func raiseFileLimit() {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		lim.Cur = lim.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim)
	}
}

// fetchJSON reads the JSON at cfg.memPath on the first node; nil if there is
// none, as a server need not offer it.
func fetchJSON(cfg *config) json.RawMessage {
	scheme := "http"
	if cfg.tls {
		scheme = "https"
	}
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}}
	resp, err := client.Get(fmt.Sprintf("%s://127.0.0.1:%d%s", scheme, cfg.port, cfg.memPath))
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || !json.Valid(b) {
		return nil
	}
	return b
}
