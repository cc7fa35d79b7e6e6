//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startServers runs the server under test, once per node, and waits until all
// ports answer.
func startServers(cfg *config, command []string) (stop func(), err error) {
	env := os.Environ()
	var stops []func()
	stop = func() {
		for _, s := range stops {
			s()
		}
	}
	if cfg.tls {
		dir, err := os.MkdirTemp("", "loadgen-tls-")
		if err != nil {
			return nil, err
		}
		stops = append(stops, func() { os.RemoveAll(dir) })
		cert, key, err := writeCert(dir)
		if err != nil {
			stop()
			return nil, err
		}
		env = append(env, "TLS_CERT="+cert, "TLS_KEY="+key)
	}
	measure := len(cfg.pids) == 0
	for i := range max(cfg.nodes, 1) {
		pid, end, err := startServer(command, env, cfg.port+i)
		if err != nil {
			stop()
			return nil, err
		}
		stops = append([]func(){end}, stops...)
		if measure {
			cfg.pids = append(cfg.pids, &proc{name: fmt.Sprintf("node%d", i), pid: pid})
		}
	}
	time.Sleep(500 * time.Millisecond) // let start-up work end
	return stop, nil
}

// startServer runs one node and waits until its port answers.
func startServer(command, env []string, port int) (pid int, stop func(), err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(env[:len(env):len(env)], "PORT="+strconv.Itoa(port))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		return 0, nil, fmt.Errorf("port %d is in use already", port)
	}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(3 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
	}
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return cmd.Process.Pid, stop, nil
		}
		select {
		case <-exited:
			return 0, nil, errors.New("server ended before it listened")
		case <-time.After(50 * time.Millisecond):
		}
	}
	stop()
	return 0, nil, errors.New("server does not listen")
}

// procList is a flag: processes as [NAME=]PID, separated by commas.
type procList []*proc

func (l *procList) String() string { return "" }

func (l *procList) Set(text string) error {
	for item := range strings.SplitSeq(text, ",") {
		name, id, named := strings.Cut(item, "=")
		if !named {
			name, id = fmt.Sprintf("node%d", len(*l)), item
		}
		pid, err := strconv.Atoi(id)
		if err != nil || pid <= 0 {
			return fmt.Errorf("bad process %q", item)
		}
		*l = append(*l, &proc{name: name, pid: pid})
	}
	return nil
}
