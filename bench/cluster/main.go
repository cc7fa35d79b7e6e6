// Command cluster measures what two and more nodes of one cluster cost, Sockeye
// beside Node's adapters on the same broker: CPU of all servers for a delivery,
// with the load generator of ../loadgen, in interleaved rounds. It prints a
// table of medians, with the ratio to Node in the same round.
//
// Run it in the folder above: go run ./cluster. With -path it measures the way of
// a message alone, with -idle nodes that do nothing. It starts redis-server and a
// NATS server on ports of their own on loopback, and stops them.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// A system is servers of one kind on one broker. Its costs are told as ratios to
// those of the system named by to.
type system struct {
	name, to string
	node     bool // of Node
	url      string
	broker   string // "redis", "nats" or "": which process it leans on
	brokers  bool   // the broker's work is part of the cost
}

// A scenario is a load, and how many nodes take it.
type scenario struct {
	name, title string
	nodes       int
	flags       []string
}

var scenarios = []scenario{
	{"fan", "2 nodes, 1,000 clients, one room", 2, []string{"-scenario", "broadcast", "-clients", "1000"}},
	{"sharded", "2 nodes, 1,000 clients, one room by name", 2, []string{"-scenario", "rooms", "-clients", "1000", "-rooms", "1"}},
	{"path", "2 nodes, 20 clients, 16 under way", 2, []string{"-scenario", "broadcast", "-clients", "20", "-window", "16"}},
	{"rooms", "3 nodes, 300 rooms of 2", 3, []string{"-scenario", "rooms", "-clients", "600", "-rooms", "300", "-window", "4"}},
	{"one", "1 node, 1,000 clients", 1, []string{"-scenario", "broadcast", "-clients", "1000"}},
	{"three", "3 nodes, 1,000 clients, one room", 3, []string{"-scenario", "broadcast", "-clients", "1000"}},
	{"path1", "1 node, 20 clients, 16 under way", 1, []string{"-scenario", "broadcast", "-clients", "20", "-window", "16"}},
	{"path3", "3 nodes, 20 clients, 16 under way", 3, []string{"-scenario", "broadcast", "-clients", "20", "-window", "16"}},
}

func systems(redis, nats string) []system {
	return []system{
		{name: "node-redis", node: true, url: "redis://" + redis, broker: "redis"},
		{name: "sockeye-redis", to: "node-redis", url: "redis://" + redis, broker: "redis"},
		{name: "node-streams", node: true, url: "redis+streams://" + redis, broker: "redis"},
		{name: "sockeye-streams", to: "node-streams", url: "redis+streams://" + redis, broker: "redis"},
		{name: "node-sharded", node: true, url: "redis+sharded://" + redis, broker: "redis"},
		{name: "sockeye-sharded", to: "node-sharded", url: "redis+sharded://" + redis, broker: "redis"},
		{name: "sockeye-nats", to: "node-redis", url: "nats://" + nats, broker: "nats", brokers: true},
		{name: "sockeye-mesh", to: "node-redis", url: "mesh", brokers: true},
	}
}

// result is what is used of the generator's line.
type result struct {
	Seconds float64            `json:"seconds"`
	CPU     float64            `json:"server_cpu_s"`
	Per     float64            `json:"cpu_us_per"`
	By      map[string]float64 `json:"cpu_us_per_by"`
	PerSec  float64            `json:"per_s"`
	Lost    uint64             `json:"lost"`
	Latency struct {
		P50 float64 `json:"p50_us"`
		P99 float64 `json:"p99_us"`
	} `json:"latency"`
	Error string `json:"error"`
}

func run() error {
	rounds := flag.Int("rounds", 5, "how often every scenario is run on every system")
	length := flag.Duration("length", 3*time.Second, "measured load of a run")
	only := flag.String("only", "", "run only scenarios whose name matches this regular expression")
	on := flag.String("on", "", "run only systems whose name matches this regular expression")
	out := flag.String("out", "out", "folder for built programs")
	save := flag.String("json", "", "write the medians to this file too, for ../sim")
	alone := flag.Int("path", 0, "measure the way of so many messages alone instead, without servers (200000)")
	resting := flag.Duration("idle", 0, "measure nodes that do nothing for so long instead (60s)")
	flag.Parse()
	wantScenario, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	wantSystem, err := regexp.Compile(*on)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bin, err := filepath.Abs(filepath.Join(*out, "bin"))
	if err != nil {
		return err
	}
	rivals := *alone == 0 && *resting == 0 && slices.ContainsFunc(systems("", ""), func(s system) bool { return s.node && wantSystem.MatchString(s.name) })
	if err := build(ctx, bin, rivals); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-cluster")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	redis, err := start(ctx, "redis", "redis-server", func(port string) []string {
		return []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir}
	})
	if err != nil {
		return fmt.Errorf("redis-server (make setup installs it): %w", err)
	}
	defer redis.stop()
	nats, err := start(ctx, "nats", filepath.Join(bin, "natsd"), func(port string) []string { return []string{port} })
	if err != nil {
		return err
	}
	defer nats.stop()

	brokers := map[string]*broker{"redis": redis, "nats": nats}
	all := systems(redis.addr, nats.addr)
	switch {
	case *alone > 0:
		return paths(ctx, all, brokers, *alone, *rounds, wantSystem.MatchString)
	case *resting > 0:
		return idle(ctx, bin, all, *resting, wantSystem.MatchString)
	}
	t := table{}
	for round := range *rounds {
		for _, sc := range scenarios {
			if !wantScenario.MatchString(sc.name) {
				continue
			}
			for _, sys := range all {
				if !wantSystem.MatchString(sys.name) {
					continue
				}
				r := measure(ctx, bin, sc, sys, brokers[sys.broker], *length)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				cost := r.Per
				if sys.brokers {
					cost += r.By[sys.broker]
				}
				fmt.Fprintf(os.Stderr, "round %d/%d  %-6s %-16s %6.2f µs  %8.0f/s  p99 %.1f ms  %s\n",
					round+1, *rounds, sc.name, sys.name, cost, r.PerSec, r.Latency.P99/1000, r.Error)
				if r.Lost > 0 {
					fmt.Fprintf(os.Stderr, "    %d deliveries never came\n", r.Lost)
				}
				t.add(sc.name, sys.name, round, cost, r)
			}
		}
	}
	t.print(all)
	if *save != "" {
		return t.save(*save, all)
	}
	return nil
}

func build(ctx context.Context, bin string, rivals bool) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, b := range []struct{ dir, pkg string }{{".", "./loadgen"}, {".", "./sockeye"}, {"..", "./e2e/cluster/natsd"}} {
		fmt.Fprintln(os.Stderr, "build:", b.pkg)
		cmd := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), b.pkg)
		cmd.Dir = b.dir
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", b.pkg, err, text)
		}
	}
	if !rivals {
		return nil
	}
	if _, err := os.Stat("rivals/node/node_modules/@socket.io/redis-adapter"); err != nil {
		cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit")
		cmd.Dir = "rivals/node"
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("npm ci: %w\n%s", err, text)
		}
	}
	return nil
}

// A broker is a process that servers lean on.
type broker struct {
	name, addr string
	cmd        *exec.Cmd
}

func start(ctx context.Context, name, program string, args func(port string) []string) (*broker, error) {
	port, err := freePort(1)
	if err != nil {
		return nil, err
	}
	b := &broker{name: name, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	b.cmd = exec.Command(program, args(strconv.Itoa(port))...)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		c, err := net.DialTimeout("tcp", b.addr, time.Second)
		if err == nil {
			return b, c.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return b, ctx.Err()
}

func (b *broker) stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = b.cmd.Wait()
}

// freePort is the first of n ports in a row that nobody uses now.
func freePort(n int) (int, error) {
	for {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := ln.Addr().(*net.TCPAddr).Port
		ln.Close()
		free := port < 60_000
		for i := 1; free && i < n; i++ {
			next, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i)))
			if free = err == nil; free {
				next.Close()
			}
		}
		if free {
			return port, nil
		}
	}
}

// meshOffset is how far a node's mesh port is above its own.
const meshOffset = 10

func measure(ctx context.Context, bin string, sc scenario, sys system, b *broker, length time.Duration) (r result) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	port, err := freePort(2 * meshOffset)
	if err != nil {
		return result{Error: err.Error()}
	}
	args := append([]string{"-port", strconv.Itoa(port), "-nodes", strconv.Itoa(sc.nodes), "-warmup", "1s", "-duration", length.String()}, sc.flags...)
	if b != nil {
		args = append(args, "-also", fmt.Sprintf("%s=%d", b.name, b.cmd.Process.Pid))
	}
	args = append(args, "--")
	if sys.node {
		args = append(args, "node", "rivals/node/server.js")
	} else {
		args = append(args, filepath.Join(bin, "sockeye"))
	}
	url := sys.url
	if url == "mesh" {
		var peers []string
		for i := range sc.nodes {
			peers = append(peers, net.JoinHostPort("127.0.0.1", strconv.Itoa(port+meshOffset+i)))
		}
		url = "mesh://" + strings.Join(peers, ",")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "loadgen"), args...)
	cmd.Env = append(os.Environ(), "CLUSTER="+url, "MESH_OFFSET="+strconv.Itoa(meshOffset), fmt.Sprintf("CLUSTER_PREFIX=bench-%d", port))
	cmd.WaitDelay = 5 * time.Second
	var errs bytes.Buffer
	cmd.Stderr = &errs
	line, err := cmd.Output()
	if e := json.Unmarshal(line, &r); e != nil {
		return result{Error: fmt.Sprintf("%v: %.300s", cmp.Or(err, e), errs.String())}
	}
	return r
}

// A table has the costs by scenario, system and round.
type table map[string]map[string][]cell

type cell struct {
	round int
	cost  float64
	r     result
}

func (t table) add(scenario, system string, round int, cost float64, r result) {
	if r.Error != "" {
		return
	}
	if t[scenario] == nil {
		t[scenario] = map[string][]cell{}
	}
	t[scenario][system] = append(t[scenario][system], cell{round, cost, r})
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

func (t table) print(all []system) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tsystem\truns\tµs per delivery\tbroker\tper second\tp50 ms\tp99 ms\tratio to\tmin\tmedian\tmax")
	for _, sc := range scenarios {
		for _, sys := range all {
			cells := t[sc.name][sys.name]
			if len(cells) == 0 {
				continue
			}
			var cost, own, rate, p50, p99, ratios []float64
			for _, c := range cells {
				cost, rate = append(cost, c.cost), append(rate, c.r.PerSec)
				own = append(own, c.r.By[sys.broker])
				p50, p99 = append(p50, c.r.Latency.P50/1000), append(p99, c.r.Latency.P99/1000)
				for _, other := range t[sc.name][sys.to] {
					if other.round == c.round && other.cost > 0 {
						ratios = append(ratios, c.cost/other.cost)
					}
				}
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%.2f\t%.2f\t%.0f\t%.1f\t%.1f", sc.title, sys.name, len(cells), median(cost), median(own), median(rate), median(p50), median(p99))
			if len(ratios) > 0 {
				fmt.Fprintf(w, "\t%s\t%.2f\t%.2f\t%.2f", sys.to, slices.Min(ratios), median(ratios), slices.Max(ratios))
			}
			fmt.Fprintln(w)
		}
	}
	w.Flush()
}
