package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// idle measures what a cluster costs when nothing happens: memory and CPU of each
// of three nodes, beside a server alone.
func idle(ctx context.Context, bin string, all []system, length time.Duration, wanted func(string) bool) error {
	alone, err := resting(ctx, bin, "", 1, length)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "3 idle nodes\tMB each\tmore than alone\tCPU each, %")
	fmt.Fprintf(w, "alone\t%.1f\t\t%.3f\n", alone.memory, alone.cpu)
	for _, sys := range all {
		if sys.node || !wanted(sys.name) {
			continue
		}
		r, err := resting(ctx, bin, sys.url, 3, length)
		if err != nil {
			return fmt.Errorf("%s: %w", sys.name, err)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.3f\n", sys.name, r.memory, r.memory-alone.memory, r.cpu)
	}
	return w.Flush()
}

// rest is what a node takes: MB, and percents of a core.
type rest struct{ memory, cpu float64 }

func resting(ctx context.Context, bin, url string, nodes int, length time.Duration) (r rest, err error) {
	port, err := freePort(2 * meshOffset)
	if err != nil {
		return r, err
	}
	if url == "mesh" {
		var peers []string
		for i := range nodes {
			peers = append(peers, "127.0.0.1:"+strconv.Itoa(port+meshOffset+i))
		}
		url = "mesh://" + strings.Join(peers, ",")
	}
	var pids []int
	for i := range nodes {
		cmd := exec.Command(filepath.Join(bin, "sockeye"))
		cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(port+i), "CLUSTER="+url, "MESH_OFFSET="+strconv.Itoa(meshOffset), fmt.Sprintf("CLUSTER_PREFIX=idle-%d", port))
		cmd.Stderr = os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			return r, err
		}
		defer func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			_ = cmd.Wait()
		}()
		pids = append(pids, cmd.Process.Pid)
	}
	pause := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := pause(5 * time.Second); err != nil { // they find one another
		return r, err
	}
	before := make([]time.Duration, nodes)
	for i, pid := range pids {
		before[i] = spentBy(pid)
	}
	if err := pause(length); err != nil {
		return r, err
	}
	for i, pid := range pids {
		r.cpu += 100 * (spentBy(pid) - before[i]).Seconds() / length.Seconds() / float64(nodes)
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return r, err
		}
		pages, err := strconv.Atoi(strings.Fields(string(text))[1])
		if err != nil {
			return r, err
		}
		r.memory += float64(pages*os.Getpagesize()) / (1 << 20) / float64(nodes)
	}
	return r, nil
}
