package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine says where and with what a run was made.
type machine struct {
	date, cpu, memory, kernel, golang, node string
	rivals                                  string
}

func (m machine) String() string {
	return fmt.Sprintf("Measured on %s: %s, %s of memory, Linux %s; %s, Node %s; %s.",
		m.date, m.cpu, m.memory, m.kernel, m.golang, m.node, m.rivals)
}

func thisMachine(bench string) machine {
	return machine{
		date:   time.Now().UTC().Format("2 January 2006"),
		cpu:    fmt.Sprintf("%d × %s", runtime.NumCPU(), field("/proc/cpuinfo", "model name", "unknown processor")),
		memory: gib(field("/proc/meminfo", "MemTotal", "")),
		kernel: kernel(),
		golang: strings.Replace(runtime.Version(), "go", "Go ", 1),
		node:   output("node", "--version"),
		rivals: rivalVersions(bench),
	}
}

// field finds "name : value" in a file of /proc.
func field(path, name, none string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return none
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return none
}

// gib rounds "n kB".
func gib(kb string) string {
	var n float64
	if _, err := fmt.Sscanf(kb, "%f kB", &n); err != nil {
		return "unknown size"
	}
	return fmt.Sprintf("%.0f GiB", n/(1<<20))
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "(unknown)"
	}
	return strings.TrimSpace(string(b))
}

// output is what a command prints, or "(unknown)".
func output(name string, args ...string) string {
	b, err := exec.Command(name, args...).Output()
	if err != nil {
		return "(unknown)"
	}
	return strings.TrimSpace(string(b))
}

// rivalVersions reads the versions from where they are pinned.
func rivalVersions(bench string) string {
	out := []string{"socket.io " + pinned(filepath.Join(bench, "rivals/node/package.json"), `"socket.io":`)}
	out = append(out, "go-socket.io "+pinned(filepath.Join(bench, "go.mod"), "github.com/googollee/go-socket.io"))
	out = append(out, "zishang520/socket.io "+pinned(filepath.Join(bench, "rivals/zishang520/go.mod"), "github.com/zishang520/socket.io/servers/socket/v3"))
	return strings.Join(out, ", ")
}

// pinned is the word behind key in a file.
func pinned(path, key string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "(unknown)"
	}
	_, after, ok := strings.Cut(string(b), key)
	if !ok {
		return "(unknown)"
	}
	word, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	return strings.Trim(strings.Fields(word)[0], `",v`)
}
