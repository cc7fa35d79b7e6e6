package main

import (
	"errors"
	"fmt"
	"slices"
)

// The bounds of what may be left of a crowd: see judgement.leaks.
const (
	heapSlack      = 1 << 20 // bytes
	heapShare      = 10      // one part in so many, without clients
	crowdShare     = 4       // with clients: what they are owed at a moment varies
	goroutineSlack = 4
)

// judgement is what the server has said of itself, and what clients complain of.
type judgement struct {
	base    report   // warmed up, without clients
	samples []report // with clients
	end     report   // without clients again
	stopped report   // after Shutdown

	wrong    []string
	received uint64 // messages that clients have got
}

// empty reports whether all that clients have brought is gone.
func empty(r, base *report) bool {
	var left []string
	held(r, func(format string, args ...any) { left = append(left, format) })
	balance(r, func(format string, args ...any) { left = append(left, format) })
	if base != nil {
		leaks(r, base, func(format string, args ...any) { left = append(left, format) })
	}
	return len(left) == 0
}

// verdict is nil, or one sentence for each promise that was broken.
func (j *judgement) verdict() error {
	var all []error
	complain := func(format string, args ...any) { all = append(all, fmt.Errorf("soak: "+format, args...)) }
	for _, w := range slices.Concat(j.wrong, j.stopped.Wrong) {
		complain("%s", w)
	}
	held(&j.end, complain)
	leaks(&j.end, &j.base, complain)
	balance(&j.end, complain)
	balance(&j.stopped, complain)
	grows(j.samples, complain)
	if got := j.stopped.Stats.Engine.Delivered; got < j.received {
		complain("clients have got %d messages, of which the server has delivered %d", j.received, got)
	}
	return errors.Join(all...)
}

type complaint func(format string, args ...any)

// held complains of what is there although no client is.
func held(r *report, complain complaint) {
	st := &r.Stats
	for what, n := range map[string]int{
		"sessions": st.Engine.Sessions, "sessions on polling": st.Engine.Polling, "sessions on websocket": st.Engine.WebSocket,
		"sockets": st.Sockets, "rooms": int(r.Books.Rooms.value()), "namespaces besides the root": st.Namespaces - 1,
		"connections besides the listener": r.Connected - 1,
	} {
		if n != 0 {
			complain("all clients have gone, and %d %s are left", n, what)
		}
	}
}

// leaks complains of what a round has left behind that the round before it
// has not.
func leaks(end, base *report, complain complaint) {
	if end.Goroutines > base.Goroutines+goroutineSlack {
		complain("%d goroutines are left, there were %d after the first round", end.Goroutines, base.Goroutines)
	}
	if end.Files > base.Files {
		complain("%d file descriptors are left, there were %d after the first round", end.Files, base.Files)
	}
	if limit := bound(base.Heap, heapShare); end.Heap > limit {
		complain("the heap without clients is %s, after the first round it was %s; %s would be in bounds",
			mib(end.Heap), mib(base.Heap), mib(limit))
	}
}

func bound(heap, share uint64) uint64 { return heap + heap/share + heapSlack }

// grows complains if the last quarter of the samples needs more than the one
// before it. The first half is for what fills up once.
func grows(samples []report, complain complaint) {
	n := len(samples)
	if n < 8 {
		return // too few for quarters
	}
	third, fourth := samples[n/2:n*3/4], samples[n*3/4:]
	heap := func(r report) uint64 { return r.Heap }
	goroutines := func(r report) uint64 { return uint64(r.Goroutines) }
	if was, is := median(third, heap), median(fourth, heap); is > bound(was, crowdShare) {
		complain("the heap with clients grew from %s to %s in the last half", mib(was), mib(is))
	}
	if was, is := median(third, goroutines), median(fourth, goroutines); is > was+was/crowdShare+64 {
		complain("goroutines grew from %d to %d in the last half", was, is)
	}
}

func median(list []report, of func(report) uint64) uint64 {
	var all []uint64
	for _, r := range list {
		all = append(all, of(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// balance complains of books that do not balance while no client is there.
func balance(r *report, complain complaint) {
	st, b := &r.Stats, r.Books
	e := &st.Engine
	if sum := total(e.Closed); e.Opened != sum+uint64(e.Sessions) {
		complain("%d sessions were opened, %d closed", e.Opened, sum)
	}
	if sum := total(st.Disconnected); st.Connected != sum+uint64(st.Sockets) {
		complain("%d sockets were let in, %d have left", st.Connected, sum)
	}
	if e.MessagesOut != e.Delivered+e.Abandoned {
		complain("the engine took %d messages, has delivered %d and abandoned %d", e.MessagesOut, e.Delivered, e.Abandoned)
	}
	if sum := total(st.Dropped); uint64(b.Emitted.value()) != st.Sent+sum {
		complain("the application has emitted %d packets; %d were sent and %d dropped", b.Emitted.value(), st.Sent, sum)
	}
	if st.Sent > e.MessagesOut {
		complain("%d packets were sent, and the engine took %d only", st.Sent, e.MessagesOut)
	}
	if b.Asked.value() != b.Answered.value() {
		complain("%d questions were asked, and %d functions called", b.Asked.value(), b.Answered.value())
	}
	if st.Panics != uint64(b.Panicked.value()) || e.Panics != 0 {
		complain("handlers have panicked %d times; counted were %d, and %d of the engine", b.Panicked.value(), st.Panics, e.Panics)
	}
	if st.Errors != st.Panics {
		complain("%d handlers have failed, of which %d panicked", st.Errors, st.Panics)
	}
}

func total[K comparable](m map[K]uint64) (n uint64) {
	for _, k := range m {
		n += k
	}
	return n
}

func mib(bytes uint64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
