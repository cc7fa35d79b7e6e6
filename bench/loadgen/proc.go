//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// clockTick is USER_HZ, which Linux fixes at 100 for /proc/PID/stat.
const clockTick = 100

// cpuSeconds returns utime+stime of a process, all its threads together.
func cpuSeconds(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command name may hold blanks; fields are counted after its ')'.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0, fmt.Errorf("unexpected /proc/%d/stat", pid)
	}
	var ticks uint64
	for _, s := range f[11:13] {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += v
	}
	return float64(ticks) / clockTick, nil
}

// statusKiB reads one "Name: n kB" line of /proc/PID/status.
func statusKiB(pid int, name string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				return strconv.ParseInt(f[0], 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("no %s in /proc/%d/status", name, pid)
}

// ownCPU returns the generator's own user+system seconds.
func ownCPU() float64 {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	sec := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return sec(ru.Utime) + sec(ru.Stime)
}

// fdCount is the number of descriptors that a process has open.
func fdCount(pid int) int {
	d, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return len(names)
}

// proc is a process that is measured.
type proc struct {
	name string
	pid  int
	base float64 // CPU seconds at the start of the window
	used float64 // in it
}

// gauge measures the server under test, in one or several processes, and
// processes that it leans on. Its zero value measures nothing.
type gauge struct {
	nodes []*proc
	also  []*proc
	own   float64
}

// all lists every process, the server's first.
func (g *gauge) all() []*proc { return append(g.nodes[:len(g.nodes):len(g.nodes)], g.also...) }

// start marks the beginning of a measured window.
func (g *gauge) start() {
	g.own = ownCPU()
	for _, p := range g.all() {
		p.base, _ = cpuSeconds(p.pid)
	}
}

// stop returns server and generator CPU seconds since start.
func (g *gauge) stop() (server, own float64) {
	own = ownCPU() - g.own
	for _, p := range g.all() {
		if now, err := cpuSeconds(p.pid); err == nil {
			p.used = now - p.base
		}
	}
	for _, p := range g.nodes {
		server += p.used
	}
	return round(server, 3), round(own, 3)
}

func (g *gauge) rssKiB() int64 { return g.status("VmRSS") }

func (g *gauge) peakKiB() int64 { return g.status("VmHWM") }

// status adds up one line of /proc/PID/status over the server's processes.
func (g *gauge) status(name string) (sum int64) {
	for _, p := range g.nodes {
		v, _ := statusKiB(p.pid, name)
		sum += v
	}
	return sum
}

// cpu is the server's CPU time so far, in seconds.
func (g *gauge) cpu() (sum float64) {
	for _, p := range g.nodes {
		v, _ := cpuSeconds(p.pid)
		sum += v
	}
	return sum
}

// fds is how many descriptors the server has open.
func (g *gauge) fds() (sum int) {
	for _, p := range g.nodes {
		sum += fdCount(p.pid)
	}
	return sum
}
