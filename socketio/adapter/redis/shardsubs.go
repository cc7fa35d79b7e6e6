package redis

// What this node wants to hear is told by the subs; which channels a link is
// subscribed to, by its have. A link makes the second like the first, for the
// channels that are marked, in order and one command for each.

// wantLocked notes that a channel is needed once more.
func (a *Sharded) wantLocked(channel, ns string, lane uint32) {
	s := a.subs[channel]
	switch {
	case s == nil:
		s = &sub{channel: channel, slot: slotOf(channel), ns: ns, lane: lane, counts: make(chan struct{})}
		a.subs[channel] = s
		a.markLocked(s)
	case s.ns != ns:
		s.ns = ""
	}
	s.owners++
}

// unwantLocked notes that it is needed once less.
func (a *Sharded) unwantLocked(channel, _ string, _ uint32) {
	s := a.subs[channel]
	if s == nil {
		return
	}
	if s.owners--; s.owners == 0 {
		delete(a.subs, channel)
		if a.settledLocked(s) {
			a.refreshLocked("") // it is judged then
		}
		a.markLocked(s)
	}
}

// markLocked has the link of a channel's slot look after it.
func (a *Sharded) markLocked(s *sub) {
	if sh := a.shardLocked(s.slot); sh != nil && sh.link != nil {
		sh.link.markLocked(s.channel)
	}
}

// shardLocked is the shard that has a slot, nil if none has.
func (a *Sharded) shardLocked(slot int) *shard {
	if a.table == nil {
		return nil
	}
	return a.parts[a.table[slot]]
}

// confirmedLocked notes that a master has taken a subscription, and reports
// whether it was the last of those that had moved.
func (a *Sharded) confirmedLocked(s *sub) (all bool) {
	if !s.known {
		s.known = true
		close(s.counts)
	}
	return a.settledLocked(s)
}

func (a *Sharded) settledLocked(s *sub) (all bool) {
	if !s.moved {
		return false
	}
	s.moved = false
	a.moving--
	return a.moving == 0
}

// lostLocked notes that a channel is not heard any more, though it is wanted.
func (a *Sharded) lostLocked(s *sub, moved bool) {
	if s.known {
		s.known, s.counts = false, make(chan struct{})
		if moved && !s.moved {
			s.moved, a.missed = true, true
			a.moving++
		}
	}
}

func (l *shardLink) markLocked(channel string) {
	l.marked[channel] = true
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// An op is a command that the server has not answered yet.
type op struct {
	channel string
	on      bool
}

// gather is how many commands are written at once.
const gather = 1000

// composeLocked writes commands for marked channels, and reports whether there
// are more, and whether all that had moved are there again.
func (l *shardLink) composeLocked() (more, settled bool) {
	a, n := l.s.a, 0
	for channel := range l.marked {
		if n++; n > gather {
			return true, settled
		}
		delete(l.marked, channel)
		s := a.subs[channel]
		want := s != nil && a.shardLocked(s.slot) == l.s
		confirmed, have := l.have[channel]
		switch {
		case want == have:
			if want && confirmed && a.confirmedLocked(s) {
				settled = true
			}
			continue
		case want:
			l.have[channel] = false
			l.sub.command("SSUBSCRIBE", channel)
		default:
			delete(l.have, channel)
			l.sub.command("SUNSUBSCRIBE", channel)
		}
		l.ops = append(l.ops, op{channel, want})
	}
	return false, settled
}

// answered takes the answer to an op, or what came unasked. gone: the channel
// was given up. It returns what the server says of the subscriptions: that all
// those that had moved are there again.
func (l *shardLink) answered(channel string, gone bool) (again bool) {
	a := l.s.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if gone {
		if len(l.ops) > 0 && l.ops[0] == (op{channel, false}) {
			l.ops = l.ops[1:]
		} else if _, have := l.have[channel]; have { // the slot is another's now
			l.failedLocked(channel)
			l.doubtful.Store(true)
			a.refreshLocked("")
		}
	} else {
		// Answers come in the order of the commands. What has none was answered in
		// a way that was taken for something else, and is asked again.
		for i, o := range l.ops {
			if o != (op{channel, true}) {
				continue
			}
			for _, lost := range l.ops[:i] {
				if lost.on {
					l.failedLocked(lost.channel)
				}
			}
			l.ops = l.ops[i+1:]
			break
		}
		if _, have := l.have[channel]; have {
			l.have[channel] = true
			if s := a.subs[channel]; s != nil {
				again = a.confirmedLocked(s)
			}
		}
	}
	l.doneLocked()
	return again
}

// denied takes an error, which is the answer to the oldest op. It returns the
// error if the link is of no use.
func (l *shardLink) denied(e replyError) error {
	a := l.s.a
	switch e.code() {
	case "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN", "TRYAGAIN", "LOADING", "MASTERDOWN":
	default:
		if unknownCommand(e) {
			return errOld
		}
		return e
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(l.ops) > 0 {
		if l.ops[0].on {
			l.failedLocked(l.ops[0].channel)
		}
		l.ops = l.ops[1:]
	}
	l.doneLocked()
	a.refreshLocked(e.movedTo(l.s.addr))
	return nil
}

// failedLocked notes that a channel is not heard here; it is looked after again
// when the topology has been asked for.
func (l *shardLink) failedLocked(channel string) {
	a := l.s.a
	delete(l.have, channel)
	l.failed[channel] = true
	if s := a.subs[channel]; s != nil && a.shardLocked(s.slot) == l.s {
		a.lostLocked(s, true)
	}
}

// doneLocked notes when the first subscriptions have been answered.
func (l *shardLink) doneLocked() {
	if len(l.ops) > 0 || len(l.marked) > 0 {
		return
	}
	l.ops = nil
	if !l.worked {
		l.worked = true
		close(l.ready)
	}
}
