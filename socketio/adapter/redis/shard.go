package redis

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

// A shard is what this node has with one master.
type shard struct {
	a    *Sharded
	addr string
	part int           // of the queue
	turn chan struct{} // held while messages are on their way
	stop context.CancelFunc
	done chan struct{} // closed when its goroutines have ended
	poke chan struct{} // holds one when it is worth while to connect at once

	// Below, guarded by Sharded.mu.
	link     *shardLink // nil while there is none
	probe    string     // a channel of this node's own, in a slot of the master's
	well     bool       // link is up
	again    bool       // a link has worked before
	patience time.Duration
	err      error // why it is not well, if that is known
}

// A shardLink is a set of connections to one master, which live and end together.
type shardLink struct {
	s        *shard
	pub, sub *conn
	client   *goredis.Client
	ctx      context.Context
	fail     context.CancelCauseFunc
	changed  chan struct{} // holds one when channels are marked
	located  chan struct{} // holds one when the topology has been asked for
	ready    chan struct{} // closed when the first subscriptions have been answered

	fates    []fate      // of the batch that is being sent
	doubtful atomic.Bool // the master may have lost a slot: nothing is published until that is known
	behind   atomic.Bool // what is published waits for a while

	vigil brokered.Vigil

	// Below, guarded by Sharded.mu.
	worked bool            // ready is closed
	have   map[string]bool // channels that are subscribed to; true: the server has said so
	marked map[string]bool // channels to be looked after
	failed map[string]bool // those to be marked when the topology has been asked for
	ops    []op
}

func (s *shard) run(ctx context.Context) {
	defer close(s.done)
	pause := s.a.pace.Backoff()
	for {
		l, err := s.connect(ctx)
		if err == nil {
			err = l.serve()
			if l.worked {
				pause.Reset()
			}
		}
		s.lost(l, err)
		if ctx.Err() != nil {
			return
		}
		select {
		case <-time.After(pause.Next()):
		case <-s.poke:
		case <-ctx.Done():
			return
		}
	}
}

// lost notes that there is no link.
func (s *shard) lost(l *shardLink, err error) {
	a := s.a
	a.mu.Lock()
	s.err, s.well = err, false
	s.patience = a.pace.Patience
	if l != nil {
		s.patience = a.pace.Next(l.vigil.Patience(), err)
		a.missed = a.missed || l.worked
		s.again = s.again || l.worked
		s.link = nil
		for channel := range l.have {
			if sub := a.subs[channel]; sub != nil {
				a.lostLocked(sub, false)
			}
		}
	}
	a.refreshLocked("")
	a.mu.Unlock()
	a.judge()
	a.base.Empty()
}

func (s *shard) connect(ctx context.Context) (l *shardLink, err error) {
	a := s.a
	l = &shardLink{
		s: s, changed: make(chan struct{}, 1), located: make(chan struct{}, 1), ready: make(chan struct{}),
		have: make(map[string]bool), marked: make(map[string]bool), failed: make(map[string]bool),
	}
	if l.pub, err = a.o.dial(ctx, s.addr); err != nil {
		return nil, err
	}
	if l.sub, err = a.o.dial(ctx, s.addr); err != nil {
		l.pub.close()
		return nil, err
	}
	l.client = goredis.NewClient(a.o.client(s.addr, a.o.Username, a.o.Password, 0))
	l.ctx, l.fail = context.WithCancelCause(ctx)
	return l, nil
}

// serve runs the link until it fails, and returns why.
func (l *shardLink) serve() error {
	a := l.s.a
	sent := make(chan struct{}) // closed when nothing is being sent any more
	context.AfterFunc(l.ctx, func() {
		l.sub.close()
		select { // what is on its way may arrive yet, if this connection is well
		case <-sent:
		case <-time.After(farewell):
		}
		l.pub.close()
	})
	var all sync.WaitGroup
	run := func(f func() error) {
		all.Go(func() {
			if err := f(); err != nil {
				l.fail(err)
			}
		})
	}
	a.mu.Lock()
	l.vigil.Begin(l.s.patience)
	l.s.link = l
	for _, s := range a.subs {
		if a.shardLocked(s.slot) == l.s {
			l.markLocked(s.channel)
		}
	}
	l.doneLocked() // if there are none
	a.mu.Unlock()
	run(l.subscribe)
	run(l.receive)
	select {
	case <-l.ready:
		a.mu.Lock()
		l.s.well = true
		a.mu.Unlock()
		a.judge()
		run(func() error {
			defer close(sent)
			return l.send()
		})
		run(func() error {
			l.Probe()
			return l.vigil.Keep(l.ctx, &a.pace, l)
		})
	case <-time.After(dialTime):
		l.fail(errors.New("redis: subscribing takes too long"))
		close(sent)
	case <-l.ctx.Done():
		close(sent)
	}
	<-l.ctx.Done()
	all.Wait()
	_ = l.client.Close()
	return context.Cause(l.ctx)
}

// subscribe tells the server which channels have come and gone.
func (l *shardLink) subscribe() error {
	a := l.s.a
	for {
		select {
		case <-l.changed:
		case <-l.ctx.Done():
			return nil
		}
		for more := true; more; {
			a.mu.Lock()
			settled := false
			more, settled = l.composeLocked()
			l.doneLocked()
			a.mu.Unlock()
			if settled {
				a.judge()
			}
			if err := l.sub.flush(); err != nil {
				return err
			}
		}
	}
}

// receive passes on what comes, until the connection ends.
func (l *shardLink) receive() error {
	a := l.s.a
	l.sub.gather = a.base.In.Gather
	defer l.sub.tell(false)
	reader := nodewire.Reader{Self: a.self.ID, Wants: a.base.In.Wants, MaxBytes: a.o.MaxMessage}
	for {
		kind, channel, payload, err := l.sub.next(a.o.MaxMessage)
		var said replyError
		if errors.As(err, &said) {
			err = l.denied(said)
		}
		if err != nil {
			return err
		}
		switch kind {
		case pushMessage:
			l.message(&reader, channel, payload)
		case pushLarge:
			a.base.In.Take(a.self.ID, nil, nodewire.Size)
		case pushSubscribed, pushGone:
			if l.answered(string(channel), kind == pushGone) {
				a.judge()
			}
		}
	}
}

// message takes one that came on a channel.
func (l *shardLink) message(r *nodewire.Reader, channel, payload []byte) {
	a := l.s.a
	a.mu.Lock()
	s := a.subs[string(channel)]
	var ns string
	var lane uint32
	probe := false
	if s != nil {
		ns, lane, probe = s.ns, s.lane, s.probe
	}
	a.mu.Unlock()
	switch {
	case s == nil: // not wanted any more
		a.base.In.Take(a.self.ID, nil, nil)
	case probe:
		l.vigil.Returned()
	default:
		m, err := r.Shared(ns, payload)
		if m != nil && m.Seq != 0 && m.To == "" && !m.Kind.Answers() && m.Lane != lane && ns != "" {
			m, err = nil, nodewire.Parse // numbered for another channel
		}
		a.base.In.Take(a.self.ID, m, err)
	}
}

// Stalled implements [brokered.Ward].
func (l *shardLink) Stalled() error {
	if l.vigil.Stalled(l.pub.silent(), l.sub.silent()) {
		return errStalled
	}
	return nil
}

// Probe implements [brokered.Ward].
func (l *shardLink) Probe() {
	a := l.s.a
	a.mu.Lock()
	channel := l.s.probe
	a.mu.Unlock()
	if channel != "" {
		l.vigil.Probe(a.base.Out, channel, slotOf(channel)|probeTag)
	}
}

// probeTag is set in the tags of probes, which are slots else.
const probeTag = slots

// Verify implements [brokered.Ward].
func (l *shardLink) Verify() error {
	return l.s.a.o.verify(l.ctx, l.s.a.pace.Patience, l.s.addr)
}

// Left implements [brokered.Ward]: the topology is asked for by the adapter.
func (l *shardLink) Left() error { return nil }

// Ailing implements [brokered.Ward].
func (l *shardLink) Ailing(err error) {
	a := l.s.a
	a.mu.Lock()
	l.s.well, l.s.err = err == nil, err
	if err != nil {
		a.refreshLocked("")
	}
	a.mu.Unlock()
	a.judge()
}

// unknownCommand reports whether the server does not know a command.
func unknownCommand(e replyError) bool {
	return e.code() == "ERR" && strings.Contains(strings.ToLower(string(e)), "unknown command")
}
