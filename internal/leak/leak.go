package leak

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
)

// Patience is how long goroutines that were told to stop may take to do so.
// A clean package never waits that long: the check ends as soon as all are gone.
// A slow machine has more (package slow).
const Patience = 5 * time.Second

// Main runs the tests and exits with their code, or with 1 if they passed but
// left goroutines running. Those that ran before Main was called, those of the
// testing package and those of the runtime are not counted. Idle connections
// of http.DefaultTransport are closed first; a client of a test's own must be
// closed by the test.
//
// Failed tests are reported alone: one that ended early leaves goroutines as a
// consequence, and listing them would bury the cause.
//
// ends are called after the tests, whatever has become of them: they end what all
// tests have used.
func Main(m *testing.M, ends ...func()) {
	os.Exit(run(func() int {
		defer func() {
			for _, end := range ends {
				end()
			}
		}()
		return m.Run()
	}, slow.Stretch(Patience)))
}

func run(tests func() int, patience time.Duration) int {
	before := map[string]bool{}
	for _, g := range goroutines() {
		before[g.id] = true
	}
	if code := tests(); code != 0 {
		return code
	}
	left := wait(before, patience)
	if len(left) == 0 {
		return 0
	}
	fmt.Fprint(os.Stderr, report(left))
	return 1
}

// wait returns the goroutines that neither ran before nor ended in time.
func wait(before map[string]bool, patience time.Duration) []goroutine {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := slices.DeleteFunc(goroutines(), func(g goroutine) bool {
			return before[g.id] || g.ofRuntime()
		})
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
	}
}

// report prints each distinct stack once, the most frequent first.
func report(left []goroutine) string {
	count := map[string]int{}
	state := map[string]string{}
	for _, g := range left {
		count[g.stack]++
		state[g.stack] = g.state
	}
	stacks := make([]string, 0, len(count))
	for s := range count {
		stacks = append(stacks, s)
	}
	slices.SortFunc(stacks, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "leak: the tests passed, but left running: %d goroutine(s)\n", len(left))
	for _, s := range stacks {
		fmt.Fprintf(&b, "\n%d × [%s]\n%s\n", count[s], state[s], s)
	}
	return b.String()
}

// goroutine is one entry of a stack dump.
type goroutine struct {
	id, state string
	stack     string // frames, without arguments and offsets, so that equal ones compare equal
	maker     string // function that started it, "" for the main goroutine
}

// goroutines lists all but the calling one.
func goroutines() []goroutine {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	entries := strings.Split(strings.TrimSpace(string(buf)), "\n\n")
	var all []goroutine
	for _, entry := range entries[1:] { // the first is the caller
		if g, ok := parse(entry); ok {
			all = append(all, g)
		}
	}
	return all
}

// parse reads one entry as runtime.Stack prints it: a line
// "goroutine 7 [chan receive, 2 minutes]:", then two lines per frame.
func parse(entry string) (goroutine, bool) {
	head, frames, _ := strings.Cut(entry, "\n")
	rest, ok := strings.CutPrefix(head, "goroutine ")
	if !ok {
		return goroutine{}, false
	}
	var g goroutine
	g.id, rest, _ = strings.Cut(rest, " ")
	g.state = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]:")
	var stack strings.Builder
	for line := range strings.Lines(frames) {
		line = strings.TrimRight(line, "\n")
		if file, ok := strings.CutPrefix(line, "\t"); ok {
			file, _, _ = strings.Cut(file, " +0x")
			fmt.Fprintf(&stack, "\t\t%s\n", file)
			continue
		}
		if by, ok := strings.CutPrefix(line, "created by "); ok {
			g.maker, _, _ = strings.Cut(by, " in goroutine ")
			fmt.Fprintf(&stack, "\tstarted by %s\n", g.maker)
			continue
		}
		name := line
		if i := strings.LastIndexByte(line, '('); i > 0 {
			name = line[:i]
		}
		fmt.Fprintf(&stack, "\t%s\n", name)
	}
	g.stack = strings.TrimRight(stack.String(), "\n")
	return g, true
}

// ofRuntime tells goroutines that Go itself starts once and keeps for ever.
func (g goroutine) ofRuntime() bool {
	if g.maker == "" {
		return true // the main goroutine
	}
	for _, pkg := range []string{"runtime.", "runtime/", "testing.", "testing/", "unique.", "os/signal."} {
		if strings.HasPrefix(g.maker, pkg) {
			return true
		}
	}
	return false
}
