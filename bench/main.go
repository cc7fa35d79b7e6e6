// Command bench measures Sockeye and its rivals and writes a report: it builds
// every server and the load generator, runs the scenarios in interleaved
// rounds with a progress display, and writes a page with tables of medians and
// ranges and charts as SVG.
//
// Run it in this folder, or with "make bench" from the top of the repository.
// With -report it writes the page again from the raw results of earlier runs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		quick  = flag.Bool("quick", false, "the short scenarios only, one short round each, and the page on stdout: a few minutes")
		rounds = flag.Int("rounds", 5, "how often every scenario is run on every server")
		length = flag.Duration("length", 5*time.Second, "measured load of a run")
		only   = flag.String("only", "", "run only scenarios whose name matches this regular expression")
		on     = flag.String("on", "", "run only servers whose name matches this regular expression")
		base   = flag.String("base", "", "checkout of another revision, whose server is measured beside this one's")
		port   = flag.Int("port", 0, "port on loopback for the server under test; 0 takes a free one")
		out    = flag.String("out", "out", "folder for built programs and raw results")
		page   = flag.String("page", "../docs/benchmarks.md", "page to write; charts go into the folder of its name; - is stdout, without charts")
		redo   = flag.Bool("report", false, "measure nothing, write the page from the raw results in -out")
		add    = flag.Bool("add", false, "keep the raw results in -out and add rounds to them")
	)
	flag.Parse()
	explicit := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { explicit[f.Name] = true })
	warmup := time.Second
	if *quick {
		warmup = 500 * time.Millisecond
		for name, set := range map[string]func(){
			"rounds": func() { *rounds = 1 }, "length": func() { *length = 2 * time.Second }, "page": func() { *page = "-" },
		} {
			if !explicit[name] {
				set()
			}
		}
	}
	list, err := chosen(*quick, *only, *on, *base != "")
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(*out)
	if err != nil {
		return err
	}
	r := &runner{bench: ".", base: *base, bin: filepath.Join(dir, "bin"), rounds: *rounds, warmup: warmup, length: *length, port: *port}
	if r.bench, err = filepath.Abs("."); err != nil {
		return err
	}
	if err := os.MkdirAll(r.bin, 0o755); err != nil {
		return err
	}
	raw := filepath.Join(dir, "results.jsonl")
	if !*redo {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if err := r.build(ctx); err != nil {
			return err
		}
		if err := r.collect(ctx, list, raw, *add); err != nil {
			return err
		}
	}
	p := &report{machine: thisMachine(r.bench), length: length.String()}
	if p.results, err = load(raw); err != nil {
		return err
	}
	return p.write(*page, filepath.Join(r.bench, "notes.md"))
}

// chosen is what the flags leave of the scenarios.
func chosen(quick bool, only, on string, base bool) ([]*scenario, error) {
	names, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	subjects, err := regexp.Compile(on)
	if err != nil {
		return nil, err
	}
	var out []*scenario
	for _, s := range scenarios {
		if quick && !s.quick || !names.MatchString(s.name) {
			continue
		}
		if base {
			s.on = beside(s.on)
		}
		s.on = slices.DeleteFunc(slices.Clone(s.on), func(n string) bool { return !subjects.MatchString(n) })
		if len(s.on) > 0 {
			out = append(out, &s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no scenario left by -only %q -on %q", only, on)
	}
	return out, nil
}

func scenarioNamed(name string) *scenario {
	return &scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })]
}

// collect measures and writes the raw results, a JSON object per line.
func (r *runner) collect(ctx context.Context, list []*scenario, raw string, add bool) (err error) {
	first, mode := 0, os.O_TRUNC
	if add {
		mode = os.O_APPEND
		earlier, err := load(raw)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for _, res := range earlier {
			first = max(first, res.Round)
		}
	}
	f, err := os.OpenFile(raw, os.O_CREATE|os.O_WRONLY|mode, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return r.measure(ctx, jobs(list, r.rounds), func(res *result, line []byte) error {
		res.Round += first
		b, err := record(res, line)
		if err == nil {
			_, err = f.Write(b)
		}
		return err
	})
}

// load reads raw results.
func load(raw string) (results, error) {
	f, err := os.Open(raw)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out results
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		res := new(result)
		if err := json.Unmarshal(lines.Bytes(), res); err != nil {
			return nil, fmt.Errorf("%s: %w", raw, err)
		}
		out = append(out, res)
	}
	return out, lines.Err()
}

// write writes the page and its charts.
func (p *report) write(page, notes string) error {
	text, err := os.ReadFile(notes)
	if err != nil {
		return err
	}
	p.notes = string(text)
	if page == "-" {
		p.notes = ""
		_, err := io.WriteString(os.Stdout, p.markdown(""))
		return err
	}
	charts := p.draw()
	p.charts = slices.Sorted(maps.Keys(charts))
	folder := page[:len(page)-len(filepath.Ext(page))]
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range p.charts {
		f, err := os.Create(filepath.Join(folder, name+".svg"))
		if err != nil {
			return err
		}
		if err := charts[name].WriteSVG(f); err != nil {
			f.Close()
			return fmt.Errorf("chart %s: %w", name, err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return os.WriteFile(page, []byte(p.markdown(filepath.Base(folder))), 0o644)
}
