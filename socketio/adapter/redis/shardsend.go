package redis

import (
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// anew is how long a master that does not take something, since it is another's
// now, is left alone unless the topology tells more.
const anew = 200 * time.Millisecond

// send publishes what gathers in the shard's part of the queue, until the link
// ends.
func (l *shardLink) send() error {
	a, s := l.s.a, l.s
	ready := a.base.Out.Ready(s.part)
	a.mu.Lock()
	again := s.again
	a.mu.Unlock()
	if again {
		l.behind.Store(true)
		select {
		case <-time.After(rest):
		case <-l.ctx.Done():
			return nil
		}
	}
	for {
		select {
		case s.turn <- struct{}{}:
		case <-l.ctx.Done():
			return nil
		}
		select {
		case <-l.located:
		default:
		}
		var batch []*outbox.Item
		var err error
		later := l.doubtful.Load()
		if !later {
			batch, _ = a.base.Out.TakeNow(s.part)
		}
		if len(batch) > 0 {
			later, err = l.pipeline(batch)
		}
		<-s.turn
		l.behind.Store(later)
		switch {
		case err != nil:
			return err
		case later:
			select {
			case <-l.located:
			case <-time.After(anew):
			case <-l.ctx.Done():
			}
		case len(batch) > 0:
			a.base.Empty()
		default:
			select {
			case <-ready:
			case <-l.ctx.Done():
				return nil
			}
		}
	}
}

// pipeline writes a batch and reads the replies. What was not written when it
// fails goes back into the queue; what was, and has no reply, may have arrived
// or not, and is lost. later: the master does not take some of it now.
func (l *shardLink) pipeline(batch []*outbox.Item) (later bool, err error) {
	l.vigil.Asked()
	defer l.vigil.Answered()
	written := 0
	for written < len(batch) && err == nil {
		for written < len(batch) && len(l.pub.out) < chunk {
			it := batch[written]
			l.pub.out = append(l.pub.out, "*3\r\n$8\r\nSPUBLISH\r\n"...)
			l.pub.out = appendArg(appendArg(l.pub.out, it.Dest), it.Data)
			written++
		}
		err = l.pub.flush()
	}
	l.fates = l.fates[:0]
	for err == nil && len(l.fates) < written {
		var f fate
		if f, err = l.replied(batch[len(l.fates)]); err == nil {
			l.fates = append(l.fates, f)
			later = later || f == notNow
		}
	}
	l.settle(batch, written, later)
	return later, err
}

// settle gives a batch back to the queue.
func (l *shardLink) settle(batch []*outbox.Item, written int, later bool) {
	out := l.s.a.base.Out
	for i := len(l.fates); i < written; i++ {
		l.fates = append(l.fates, refused)
	}
	if later {
		// Nothing is sent behind what was published after it on its channel.
		passed := map[int]bool{}
		for i := written - 1; i >= 0; i-- {
			slot := batch[i].Tag
			if l.fates[i] == notNow && passed[slot] {
				l.fates[i] = refused
			}
			passed[slot] = passed[slot] || l.fates[i] == sent
		}
	}
	for from := 0; from < written; {
		to := from
		for to < written && l.fates[to] == l.fates[from] {
			to++
		}
		switch part := batch[from:to]; l.fates[from] {
		case sent:
			out.Sent(part)
		case notNow:
			out.Back(part)
		default:
			out.Lost(part)
		}
		from = to
	}
	out.Back(batch[written:])
}

// replied reads the reply to an item.
func (l *shardLink) replied(it *outbox.Item) (fate, error) {
	a := l.s.a
	kind, n, text, err := l.pub.head()
	switch {
	case err != nil:
		return 0, err
	case kind == '-':
		e := replyError(text)
		switch e.code() {
		case "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "LOADING", "MASTERDOWN", "NOAUTH":
			a.mu.Lock()
			a.refreshLocked(e.movedTo(l.s.addr))
			a.mu.Unlock()
			return notNow, nil
		}
		if unknownCommand(e) {
			return 0, errOld
		}
		a.log.Warn("the cluster's Redis refuses a message", "error", e.Error())
		return refused, nil
	case kind != ':':
		return 0, errProtocol
	case it.Tag&probeTag != 0:
		a.mu.Lock()
		own := it.Dest == l.s.probe
		_, heard := l.have[it.Dest]
		a.mu.Unlock()
		switch {
		case !own: // it was another shard's
		case n == 0 && heard:
			l.fail(errSplit)
		default:
			l.vigil.Probed()
		}
	}
	return sent, nil
}

// lag is how long a master may take for what it is sent before the lanes that
// lead there are behind the others.
const lag = 250 * time.Millisecond

// Lags implements [adapter.Laggard].
func (a *Sharded) Lags() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.causeLocked() != nil || len(a.resting) > 0 {
		return true
	}
	for _, s := range a.parts {
		if s == nil || s.link == nil {
			continue
		}
		if s.link.behind.Load() || s.link.vigil.Waited() > lag {
			return true
		}
	}
	return false
}
