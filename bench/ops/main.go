// Command ops measures what it costs a server to be watched: that metrics are
// gathered, and that somebody looks at the inspection. One server under a steady
// load is watched and not watched by turns, so that whatever else the machine
// does falls on both alike; told are medians of the server's CPU per message.
//
// Run it in the folder above: go run ./ops. Linux only.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ops:", err)
		os.Exit(1)
	}
}

// A load is what the server has to do meanwhile, and a watcher what is done by
// turns; it returns how to end that.
type load struct {
	name  string
	flags []string
	with  []watcher
}

type watcher struct {
	name  string
	watch func(ctx context.Context, base string) (stop func())
}

func loads(clients, rate int) []load {
	n, r := strconv.Itoa(clients), strconv.Itoa(rate)
	return []load{
		{"broadcast to 1,000", []string{"-scenario", "broadcast", "-clients", "1000", "-rate", "40"}, []watcher{{"metrics", metrics}, {"nothing", nothing}}},
		{n + " sockets, " + r + " events a second", []string{"-scenario", "rooms", "-clients", n, "-rooms", n, "-rate", r}, []watcher{{"inspection", inspection}, {"metrics", metrics}, {"nothing", nothing}}},
	}
}

func run() error {
	clients := flag.Int("clients", 10_000, "sockets of the second load")
	rate := flag.Int("rate", 10_000, "events a second that they send, each of which reaches one socket")
	rounds := flag.Int("rounds", 9, "how often each is watched and not")
	length := flag.Duration("length", 4*time.Second, "measured time of a turn")
	out := flag.String("out", "out", "folder for built programs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	bin, err := filepath.Abs(filepath.Join(*out, "bin"))
	if err != nil {
		return err
	}
	for _, pkg := range []string{"./loadgen", "./sockeye"} {
		if text, err := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
		}
	}
	for _, l := range loads(*clients, *rate) {
		if err := measure(ctx, bin, l, *rounds, *length); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

func measure(ctx context.Context, bin string, l load, rounds int, length time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	ln.Close()
	base := "http://localhost:" + port
	srv := exec.CommandContext(ctx, filepath.Join(bin, "sockeye"))
	srv.Env, srv.Stderr = append(os.Environ(), "PORT="+port, "OPS=1"), os.Stderr
	if err := srv.Start(); err != nil {
		return err
	}
	defer func() { cancel(); _ = srv.Wait() }()
	for get(ctx, base+"/debug/ops") != nil {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	gen := exec.CommandContext(ctx, filepath.Join(bin, "loadgen"), append(l.flags, "-port", port, "-pid", strconv.Itoa(srv.Process.Pid), "-duration", "1h", "-limit", "1h")...)
	gen.Stderr = os.Stderr
	if err := gen.Start(); err != nil {
		return err
	}
	defer func() { cancel(); _ = gen.Wait() }()
	if err := steady(ctx, base); err != nil {
		return err
	}
	fmt.Printf("\n%s\n", l.name)
	for _, w := range l.with {
		var with, without, ratios []float64
		for range rounds {
			var pair [2]float64
			for i, watch := range []func(context.Context, string) func(){nothing, w.watch} {
				if err := get(ctx, base+"/debug/ops"); err != nil {
					return err
				}
				end := watch(ctx, base)
				if err := sleep(ctx, time.Second); err != nil {
					return err
				}
				if pair[i], err = cost(ctx, base, srv.Process.Pid, length); err != nil {
					return err
				}
				end()
			}
			without, with, ratios = append(without, pair[0]), append(with, pair[1]), append(ratios, pair[1]/pair[0])
		}
		fmt.Printf("  %-12s %6.2f µs per event, %6.2f without: ratio of medians %.3f, median of ratios %.3f (%.2f to %.2f)\n",
			w.name, median(with), median(without), median(with)/median(without), median(ratios), slices.Min(ratios), slices.Max(ratios))
	}
	return nil
}

// steady waits until the load has begun, and is as it will be.
func steady(ctx context.Context, base string) error {
	for last := -1.0; ; {
		n, err := events(ctx, base)
		if err != nil {
			return err
		}
		if last >= 0 && n > last+10 {
			return sleep(ctx, 3*time.Second)
		}
		last = n
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// cost is the server's CPU, in µs, for each event that came in that time.
func cost(ctx context.Context, base string, pid int, length time.Duration) (float64, error) {
	n, err := events(ctx, base)
	if err != nil {
		return 0, err
	}
	used, err := cpu(pid)
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, length); err != nil {
		return 0, err
	}
	then, err := cpu(pid)
	if err != nil {
		return 0, err
	}
	m, err := events(ctx, base)
	if err != nil {
		return 0, err
	}
	if m <= n {
		return 0, fmt.Errorf("no event came in %v", length)
	}
	return (then - used) * 1e6 / (m - n), nil
}

// events is how many have come so far.
func events(ctx context.Context, base string) (float64, error) {
	var st struct {
		Nodes []struct {
			Figures struct {
				EventsIn float64 `json:"eventsIn"`
			} `json:"figures"`
		} `json:"nodes"`
	}
	text, err := body(ctx, base+"/inspect/api/socket?ns=/&id=none")
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(text, &st); err != nil || len(st.Nodes) == 0 {
		return 0, fmt.Errorf("no figures: %w", err)
	}
	return st.Nodes[0].Figures.EventsIn, nil
}

// cpu is the user and system time of a process, in seconds.
func cpu(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, err := strconv.ParseFloat(f[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100, err
}

func nothing(context.Context, string) func() { return func() {} }

func metrics(ctx context.Context, base string) func() {
	_ = get(ctx, base+"/debug/ops?metrics=on") // a server that is gone is found out by who measures
	return func() {}
}

// inspection asks what the page asks while somebody looks at it.
func inspection(ctx context.Context, base string) func() {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		at := url.Values{"ns": {"/"}}.Encode()
		feed := url.Values{"ns": {"/"}, "viewer": {"bench-viewer"}}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for second := 0; ; second++ {
			if text, err := body(ctx, base+"/inspect/api/feed?"+feed.Encode()); err == nil {
				var a struct {
					SeenBy map[string]uint64 `json:"seenBy"`
				}
				_ = json.Unmarshal(text, &a) // then all is told again
				feed.Del("of")
				feed.Del("seen")
				for node, seen := range a.SeenBy {
					feed.Add("of", node)
					feed.Add("seen", strconv.FormatUint(seen, 10))
				}
			}
			if second%2 == 0 {
				for _, kind := range []string{"overview", "rooms", "sockets"} {
					_ = get(ctx, base+"/inspect/api/"+kind+"?"+at)
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

func get(ctx context.Context, address string) error {
	_, err := body(ctx, address)
	return err
}

func body(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s %s", address, res.Status, text)
	}
	return text, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}
