package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// progress tells on stderr how far the run is: one line that is rewritten on a
// terminal, a line per step elsewhere.
type progress struct {
	total    int
	n        int
	began    time.Time
	terminal bool
}

func newProgress(total int) *progress {
	info, err := os.Stderr.Stat()
	return &progress{total: total, began: time.Now(), terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// next begins a step.
func (p *progress) next(what string) {
	left := "…"
	if p.n > 0 {
		took := time.Since(p.began)
		left = "about " + (took / time.Duration(p.n) * time.Duration(p.total-p.n)).Round(10*time.Second).String() + " left"
	}
	if !p.terminal {
		fmt.Fprintf(os.Stderr, "%3d/%d  %s  (%s)\n", p.n+1, p.total, what, left)
	} else {
		const cells = 24
		full := cells * p.n / p.total
		bar := strings.Repeat("█", full) + strings.Repeat("░", cells-full)
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s %3d/%d  %s  (%s)", bar, p.n+1, p.total, what, left)
	}
	p.n++
}

// note writes a line that stays.
func (p *progress) note(s string) {
	if p.terminal {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	fmt.Fprintln(os.Stderr, "!!", s)
}

func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}
