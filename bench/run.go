package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// runner measures, one server at a time.
type runner struct {
	bench  string // this module's folder
	base   string // another checkout, or ""
	bin    string // built programs
	rounds int
	warmup time.Duration
	length time.Duration
	port   int
}

// build makes every program that is measured, and the generator.
func (r *runner) build(ctx context.Context) error {
	type step struct {
		dir  string
		args []string
	}
	steps := []step{
		{".", []string{"go", "build", "-o", r.bin + string(filepath.Separator), "./loadgen", "./sockeye", "./rivals/floor", "./rivals/googollee"}},
		{"rivals/zishang520", []string{"go", "build", "-o", r.bin + string(filepath.Separator), "."}},
		{"rivals/node", []string{"npm", "ci", "--silent", "--no-audit", "--no-fund"}},
	}
	if r.base != "" {
		dir, err := filepath.Abs(filepath.Join(r.base, "bench"))
		if err != nil {
			return err
		}
		steps = append(steps, step{dir, []string{"go", "build", "-o", filepath.Join(r.bin, "base"), "./sockeye"}})
	}
	for _, s := range steps {
		fmt.Fprintln(os.Stderr, "build:", s.dir, strings.Join(s.args[:2], " "))
		cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
		if cmd.Dir = s.dir; !filepath.IsAbs(s.dir) {
			cmd.Dir = filepath.Join(r.bench, s.dir)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(s.args, " "), err)
		}
	}
	return nil
}

// job is one run of the generator.
type job struct {
	round    int
	scenario *scenario
	server   server
}

// jobs interleaves: each round runs every scenario on every server once, the
// servers of a scenario one after the other, so that a slow drift of the
// machine meets all of them alike.
func jobs(list []*scenario, rounds int) []job {
	var out []job
	for round := range rounds {
		for _, s := range list {
			for _, name := range s.on {
				out = append(out, job{round + 1, s, serverNamed(name)})
			}
		}
	}
	return out
}

// measure runs the jobs and hands each result to done. It returns early only
// when ctx ends; a run that fails is a result with an error.
func (r *runner) measure(ctx context.Context, list []job, done func(*result, []byte) error) error {
	p := newProgress(len(list))
	defer p.end()
	for _, j := range list {
		p.next(fmt.Sprintf("round %d/%d  %s  %s", j.round, r.rounds, j.scenario.name, j.server.name))
		res, line := r.one(ctx, j)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if res.Error != "" {
			p.note(fmt.Sprintf("%s on %s: %s", j.scenario.name, j.server.name, res.Error))
		}
		if err := done(res, line); err != nil {
			return err
		}
	}
	return nil
}

// one runs the generator once.
func (r *runner) one(ctx context.Context, j job) (*result, []byte) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	port, err := r.freePort()
	if err != nil {
		return j.place(&result{Error: err.Error()}), []byte("{}")
	}
	args := append([]string{"-label", j.server.name, "-port", strconv.Itoa(port)}, j.scenario.flags...)
	if j.scenario.timed {
		args = append(args, "-warmup", r.warmup.String(), "-duration", r.length.String())
	}
	if j.server.eio != "" {
		args = append(args, "-eio", j.server.eio)
	}
	args = append(args, "--")
	if j.server.args[0] == "node" {
		args = append(args, "node", filepath.Join(r.bench, "rivals", "node", "server.js"))
	} else {
		args = append(args, filepath.Join(r.bin, j.server.args[0]))
		args = append(args, j.server.args[1:]...)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.bin, "loadgen"), args...)
	cmd.Env = append(os.Environ(), j.server.env...)
	cmd.WaitDelay = 5 * time.Second
	var errs bytes.Buffer
	cmd.Stderr = &errs
	line, runErr := cmd.Output()
	line = bytes.TrimSpace(line)
	res := new(result)
	switch err := json.Unmarshal(line, res); {
	case err != nil:
		res = &result{Error: fmt.Sprintf("%v: %.200s", errors.Join(runErr, err), errs.String())}
		line = []byte("{}")
	case runErr != nil && res.Error == "":
		res.Error = runErr.Error()
	}
	return j.place(res), line
}

// place notes where a result belongs.
func (j job) place(res *result) *result {
	res.Case, res.Server, res.Round = j.scenario.name, j.server.name, j.round
	return res
}

// freePort is the port that was asked for, or one that nobody uses now.
func (r *runner) freePort() (int, error) {
	if r.port != 0 {
		return r.port, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

// record is a line of the raw results: the generator's own, and where it belongs.
func record(res *result, line []byte) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(line, &all); err != nil {
		return nil, err
	}
	all["case"], all["server"], all["round"] = res.Case, res.Server, res.Round
	if res.Error != "" {
		all["error"] = res.Error
	}
	out, err := json.Marshal(all)
	return append(out, '\n'), err
}
