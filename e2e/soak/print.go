package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// line is one readable line of how things stand.
func line(when string, open int64, c *crowd, r report) string {
	return fmt.Sprintf("%-12s %5d connected (%d websocket, %d polling), %d connects so far, %d faults, %d messages in and %d out; "+
		"heap %s, %d goroutines, %d descriptors; %d broken promises",
		when, open, r.Stats.Engine.WebSocket, r.Stats.Engine.Polling, r.Stats.Engine.Opened, c.total(),
		r.Stats.Engine.MessagesIn, r.Stats.Engine.Delivered, mib(r.Heap), r.Goroutines, r.Files, c.brokenSoFar()+len(r.Wrong))
}

func (c *crowd) brokenSoFar() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wrong) + c.more
}

// table is the account of the whole run.
func table(out io.Writer, warm, c *crowd, j *judgement, took time.Duration) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what string, format string, args ...any) { fmt.Fprintf(w, what+"\t"+format+"\n", args...) }
	e, st := &j.stopped.Stats.Engine, &j.stopped.Stats
	row("\ntook", "%v, two rounds of %d clients", took.Round(time.Second), c.opts.Clients)
	row("sessions", "%d opened, %d upgraded; closed: %s", e.Opened, e.Upgraded, list(e.Closed))
	row("sockets", "%d connected, %d refused; left: %s", st.Connected, st.Refused, list(st.Disconnected))
	row("messages in", "%d, %d events", e.MessagesIn, st.EventsIn)
	row("packets emitted", "%d: %d sent; dropped: %s", j.stopped.Books.Emitted.value(), st.Sent, list(st.Dropped))
	row("messages out", "%d: %d delivered, %d abandoned", e.MessagesOut, e.Delivered, e.Abandoned)
	row("received by clients", "%d messages, %d of them answers waited for", j.received, warm.count.acks.Load()+c.count.acks.Load())
	row("handlers", "%d panics, all contained; ignored: %s", st.Panics, list(st.Ignored))
	row("bounds reached", "engine: %s; sockets: %s", list(e.Bounds), list(st.Bounds))
	row("requests refused", "%s", list(e.Refused))
	row("heap without clients", "%s, after the first round %s", mib(j.end.Heap), mib(j.base.Heap))
	if n := len(j.samples); n > 0 {
		first, last := j.samples[0], j.samples[n-1]
		row("heap with clients", "%s in the first sample, %s in the last", mib(first.Heap), mib(last.Heap))
		row("resident with clients", "%s, then %s", mib(first.Resident), mib(last.Resident))
	}
	row("goroutines", "%d without clients, after the first round %d; %d after the stop", j.end.Goroutines, j.base.Goroutines, j.stopped.Goroutines)
	row("descriptors", "%d without clients, after the first round %d", j.end.Files, j.base.Files)
	row("settled in the end", "%d healthy clients had heard all there was to hear", c.count.final.Load())
	sum := maps.Clone(c.faults)
	for name, n := range warm.faults {
		sum[name] += n
	}
	all := 0
	for _, n := range sum {
		all += n
	}
	row("faults", "%d", all)
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		row("  "+name, "%d", sum[name])
	}
	_ = w.Flush() // out is a terminal or a file: nothing to be done about it
}

func list[K cmp.Ordered](m map[K]uint64) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if m[k] > 0 {
			all = append(all, fmt.Sprintf("%v %d", k, m[k]))
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
