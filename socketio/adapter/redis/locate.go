package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// patrol is how often the topology of a Cluster is asked for when all is well.
const patrol = 5 * time.Second

// longestLook is the longest time between two questions when it is not.
const longestLook = 250 * time.Millisecond

// rest is how long nothing is published to a slot that has another master now, or
// to a master that is back: the other nodes are to find it first, and to
// subscribe there.
const rest = 750 * time.Millisecond

// refreshLocked has the topology asked for soon, of the server at hint first.
func (a *Sharded) refreshLocked(hint string) {
	if hint != "" {
		a.hint = hint
	}
	select {
	case a.stale <- struct{}{}:
	default:
	}
}

// run finds out which masters there are, and keeps a shard for each, until Close
// ends ctx.
func (a *Sharded) run(ctx context.Context) {
	pause := a.pace.Soonest
	for {
		select {
		case <-a.stale:
		default:
		}
		t, err := a.o.topology(ctx, a.whom())
		if ctx.Err() != nil {
			break
		}
		changed := false
		if err == nil {
			changed = a.apply(ctx, t)
		}
		a.mu.Lock()
		a.cause = err
		a.mu.Unlock()
		a.judge()
		if changed {
			pause = a.pace.Soonest
		}
		asked := time.Now()
		if !a.await(ctx, pause) {
			break
		}
		if pause = min(2*pause, longestLook); time.Since(asked) > longestLook {
			pause = a.pace.Soonest
		}
	}
	a.mu.Lock()
	all := slices.Clone(a.parts[1:])
	a.rested.Stop()
	a.mu.Unlock()
	a.end(all)
}

// await waits until the topology is to be asked for, pause at least, and reports
// false at the end.
func (a *Sharded) await(ctx context.Context, pause time.Duration) bool {
	select {
	case <-time.After(brokered.Jitter(pause)):
	case <-ctx.Done():
		return false
	}
	a.mu.Lock()
	well := a.causeLocked() == nil
	fixed := a.table != nil && !a.clusters && a.o.Sentinel == ""
	a.mu.Unlock()
	var again <-chan time.Time
	switch {
	case well && fixed: // which server there is needs no finding out
	case well, fixed:
		again = time.After(brokered.Jitter(patrol))
	default:
		return true
	}
	select {
	case <-a.stale:
	case <-again:
	case <-ctx.Done():
		return false
	}
	return true
}

// whom lists who may know the topology: those first that are likely to.
func (a *Sharded) whom() (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	add := func(addr string) {
		if addr != "" && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	add(a.hint)
	a.hint = ""
	for _, well := range []bool{true, false} {
		for _, s := range a.parts[1:] {
			if s != nil && s.well == well {
				add(s.addr)
			}
		}
		if well {
			for _, addr := range a.o.Addrs {
				add(addr)
			}
		}
	}
	for _, addr := range a.replicas {
		add(addr)
	}
	return list
}

// apply makes the shards like a topology, and reports whether it is another than
// before. What waits for a slot that has moved goes with it, in order.
func (a *Sharded) apply(ctx context.Context, t *topology) (changed bool) {
	a.mu.Lock()
	part := make([]uint16, len(t.masters)+1) // of each master
	var fresh []*shard
	for i, addr := range t.masters {
		s := a.shards[addr]
		if s == nil {
			s = a.newShardLocked(addr)
			fresh = append(fresh, s)
		}
		part[i+1] = uint16(s.part)
	}
	table := new([slots]uint16)
	held := make([]bool, len(a.parts)) // parts that have a slot
	losing := make([]bool, len(a.parts))
	for slot, of := range t.of {
		n := part[of]
		table[slot], held[n] = n, true
		if a.table != nil && a.table[slot] != n {
			losing[a.table[slot]], changed = true, true
		}
	}
	changed = changed || a.table == nil
	var gone, less []*shard
	for n, s := range a.parts {
		switch {
		case s == nil:
		case !held[n]:
			gone = append(gone, s)
		case losing[n]:
			less = append(less, s)
		}
	}
	a.bare, a.clusters, a.replicas = t.bare, t.cluster, t.replicas
	a.mu.Unlock()

	// Nothing of a channel is under way while it changes hands.
	a.end(gone)
	for _, s := range less {
		s.hold(ctx)
	}
	a.mu.Lock()
	for _, s := range gone {
		a.parts[s.part] = nil
		delete(a.shards, s.addr)
		delete(a.subs, s.probe)
	}
	before := a.table
	a.table = table
	if changed {
		if before != nil {
			for slot, n := range table {
				if before[slot] != n {
					a.resting[slot] = time.Now().Add(rest)
				}
			}
			a.rested.Reset(rest)
		}
		a.splitLocked()
		a.probesLocked()
		a.moveLocked(before)
	}
	for _, s := range a.parts {
		switch {
		case s == nil:
		case s.link != nil:
			s.link.locatedLocked()
		default: // the others say that it is there
			select {
			case s.poke <- struct{}{}:
			default:
			}
		}
	}
	a.mu.Unlock()
	for _, s := range less {
		<-s.turn
	}
	for _, s := range fresh {
		var own context.Context
		own, s.stop = context.WithCancel(ctx)
		go s.run(own)
	}
	return changed
}

// splitLocked divides the queue among the shards. What is for slots that rest
// waits in nobody's part.
func (a *Sharded) splitLocked() {
	table := *a.table
	for slot := range a.resting {
		table[slot] = 0
	}
	a.base.Out.Split(len(a.parts), func(it *outbox.Item) int { return int(table[it.Tag&(slots-1)]) })
}

// wake ends the rest of slots that have had it.
func (a *Sharded) wake() {
	a.mu.Lock()
	defer a.mu.Unlock()
	var next time.Duration
	now := time.Now()
	for slot, until := range a.resting {
		if left := until.Sub(now); left <= 0 {
			delete(a.resting, slot)
		} else if next == 0 || left < next {
			next = left
		}
	}
	if next > 0 {
		a.rested.Reset(next)
	}
	if a.table != nil {
		a.splitLocked()
	}
}

func (a *Sharded) newShardLocked(addr string) *shard {
	s := &shard{
		a: a, addr: addr, patience: a.pace.Patience, err: fmt.Errorf("%w: %s", errNotYet, addr),
		turn: make(chan struct{}, 1), done: make(chan struct{}), poke: make(chan struct{}, 1),
	}
	n := 1
	for n < len(a.parts) && a.parts[n] != nil {
		n++
	}
	if n == len(a.parts) {
		a.parts = append(a.parts, nil)
	}
	s.part, a.parts[n], a.shards[addr] = n, s, s
	return s
}

// end ends shards.
func (a *Sharded) end(list []*shard) {
	for _, s := range list {
		if s != nil && s.stop != nil {
			s.stop()
		}
	}
	for _, s := range list {
		if s != nil && s.stop != nil {
			<-s.done
		}
	}
}

// hold waits until nothing is on its way to the master, for as long as a link may
// be silent: then it ends. Who holds it lets it go.
func (s *shard) hold(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
		return
	case <-time.After(s.a.pace.Patience):
	case <-ctx.Done():
	}
	s.a.mu.Lock()
	l := s.link
	s.a.mu.Unlock()
	if l != nil {
		l.fail(errStalled)
	}
	s.turn <- struct{}{}
}

// moveLocked marks the channels whose slots have another master now.
func (a *Sharded) moveLocked(before *[slots]uint16) {
	for _, s := range a.subs {
		if before != nil && before[s.slot] == a.table[s.slot] {
			continue
		}
		if before != nil {
			if old := a.parts[before[s.slot]]; old != nil && old.link != nil {
				if _, have := old.link.have[s.channel]; have {
					a.lostLocked(s, true)
					old.link.markLocked(s.channel)
				}
			}
		}
		a.markLocked(s)
	}
}

// probesLocked gives each shard a channel of this node's own in a slot that it
// has.
func (a *Sharded) probesLocked() {
	for _, s := range a.parts {
		if s == nil || s.probe != "" && a.shardLocked(slotOf(s.probe)) == s {
			continue
		}
		if old := a.subs[s.probe]; old != nil {
			delete(a.subs, s.probe)
			if s.link != nil {
				s.link.markLocked(s.probe)
			}
		}
		s.probe = ""
		for i := range 16 * slots {
			channel := a.o.Prefix + "-probe#" + a.self.ID + "#" + strconv.Itoa(i) + "#"
			if a.shardLocked(slotOf(channel)) == s {
				s.probe = channel
				break
			}
		}
		if s.probe == "" { // so few slots that chance has found none
			continue
		}
		sub := &sub{channel: s.probe, slot: slotOf(s.probe), owners: 1, probe: true, counts: make(chan struct{})}
		a.subs[s.probe] = sub
		if s.link != nil {
			s.link.vigil.Returned() // the old one's does not come back
		}
		a.markLocked(sub)
	}
}

// locatedLocked tells a link that the topology has been asked for.
func (l *shardLink) locatedLocked() {
	l.doubtful.Store(false)
	select {
	case l.located <- struct{}{}:
	default:
	}
	for channel := range l.failed {
		delete(l.failed, channel)
		if s := l.s.a.subs[channel]; s != nil {
			l.s.a.markLocked(s)
		}
	}
}
