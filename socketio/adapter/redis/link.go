package redis

import (
	"context"
	"errors"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// A link is a set of connections to one server, which live and end together.
type link struct {
	a        *Adapter
	addr     string
	pub, sub *conn
	own      *conn // the form's; nil if there is none
	client   *goredis.Client

	ctx  context.Context
	fail context.CancelCauseFunc

	vigil brokered.Vigil

	fates []fate // of the batch that is being sent

	need int // subscriptions that are not confirmed yet, of those from the start
}

// tagProbe marks the items that are probes. Tags below are the forms'.
const tagProbe = -1

// farewell is how long replies are waited for when another connection has ended.
const farewell = 200 * time.Millisecond

// Serve implements [brokered.Link].
func (l *link) Serve(patience time.Duration, again bool) (worked bool, err error) {
	l.vigil.Begin(patience)
	sent := make(chan struct{}) // closed when nothing is being sent any more
	context.AfterFunc(l.ctx, func() {
		l.sub.close()
		if l.own != nil {
			l.own.close()
		}
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
	if err := l.subscribeAll(); err == nil {
		ready := make(chan struct{})
		run(func() error { return l.receive(ready) })
		select {
		case <-ready:
			worked = true
			l.a.base.In.UpAt(again, l.a.mark())
			run(func() error {
				defer close(sent)
				return l.a.base.Send(l.ctx, l.pipeline)
			})
			run(l.subscribe)
			run(func() error {
				l.Probe()
				return l.vigil.Keep(l.ctx, &l.a.pace, l)
			})
			if l.own != nil {
				run(func() error { return l.a.form.read(l.own) })
			}
		case <-time.After(dialTime):
			l.fail(errors.New("redis: subscribing takes too long"))
		case <-l.ctx.Done():
		}
	} else {
		l.fail(err)
	}
	if !worked {
		close(sent)
	}
	<-l.ctx.Done()
	l.a.mu.Lock()
	l.a.link = nil
	l.a.mu.Unlock()
	all.Wait()
	_ = l.client.Close()
	return worked, context.Cause(l.ctx)
}

// subscribeAll writes the first subscriptions, and makes the adapter use the
// link.
func (l *link) subscribeAll() error {
	a := l.a
	list := []string{a.probeChannel()}
	a.mu.Lock()
	a.link = l
	clear(a.changes)
	for ns, s := range a.spaces {
		list = append(list, a.form.channels(ns)...)
		s.counts, s.known = make(chan struct{}), false
	}
	a.mu.Unlock()
	patterns := a.form.patterns()
	l.need = len(list) + len(patterns)
	if len(patterns) > 0 {
		l.sub.command("PSUBSCRIBE", patterns...)
	}
	for len(list) > 0 {
		n := min(len(list), 1000)
		l.sub.command("SUBSCRIBE", list[:n]...)
		list = list[n:]
	}
	return l.sub.flush()
}

// subscribe tells the server which namespaces have come and gone.
func (l *link) subscribe() error {
	a := l.a
	for {
		select {
		case <-a.changed:
		case <-l.ctx.Done():
			return nil
		}
		a.mu.Lock()
		for ns, c := range a.changes {
			if c&gone != 0 {
				l.sub.command("UNSUBSCRIBE", a.form.channels(ns)...)
			}
			if c&come != 0 {
				l.sub.command("SUBSCRIBE", a.form.channels(ns)...)
			}
		}
		clear(a.changes)
		a.mu.Unlock()
		if err := l.sub.flush(); err != nil {
			return err
		}
	}
}

// maxNames is how many names of channels a link remembers.
const maxNames = 256

// receive passes on what comes, until the connection ends. It closes ready when
// the first subscriptions are confirmed.
func (l *link) receive(ready chan struct{}) error {
	a := l.a
	probe := a.probeChannel()
	l.sub.gather = a.base.In.Gather
	defer l.sub.tell(false)
	names := make(map[string]string) // of channels, so that each is one string
	for {
		kind, channel, payload, err := l.sub.next(a.o.MaxMessage)
		if err != nil {
			return err
		}
		switch kind {
		case pushMessage:
			if string(channel) == probe {
				l.vigil.Returned()
				continue
			}
			name, ok := names[string(channel)]
			if !ok {
				if len(names) == maxNames {
					clear(names)
				}
				name = string(channel)
				names[name] = name
			}
			a.take(a.form.receive(name, payload))
		case pushLarge:
			a.take(nil, nodewire.Size)
		case pushSubscribed:
			a.confirmed(string(channel))
			if l.need--; l.need == 0 {
				close(ready)
			}
		}
	}
}

// take passes on what a form has made of something that came.
func (a *Adapter) take(m *adapter.Message, err error) { a.base.In.Take(a.self.ID, m, err) }

// chunk is about how much of a batch is written at once.
const chunk = 64 << 10

// pipeline writes a batch and reads the replies. What was not written when it
// fails goes back into the queue; what was, and has no reply, may have arrived
// or not, and is lost unless the form can find out.
func (l *link) pipeline(batch []*outbox.Item) error {
	l.vigil.Asked()
	defer l.vigil.Answered()
	var err error
	written := 0
	for written < len(batch) && err == nil {
		for written < len(batch) && len(l.pub.out) < chunk {
			l.pub.out = l.a.form.command(l.pub.out, batch[written])
			written++
		}
		err = l.pub.flush()
	}
	l.fates = l.fates[:0]
	for err == nil && len(l.fates) < written {
		var f fate
		if f, err = l.replied(batch[len(l.fates)]); err == nil {
			l.fates = append(l.fates, f)
		}
	}
	return l.settle(batch, written, err)
}

// The fates of an item that was written.
type fate byte

const (
	sent    fate = iota
	refused      // and lost
	notNow       // not carried out, but may be later
)

// settle gives a batch back to the queue: fates are those of its first, written
// is how many left us, err is why that is not all.
func (l *link) settle(batch []*outbox.Item, written int, err error) error {
	out := l.a.base.Out
	told := len(l.fates)
	later := told // what follows was not carried out, and nothing after it was
	for later > 0 && l.fates[later-1] == notNow {
		later--
	}
	for from := 0; from < later; {
		to := from
		for to < later && (l.fates[to] == sent) == (l.fates[from] == sent) {
			to++
		}
		if l.fates[from] == sent {
			out.Sent(batch[from:to])
		} else {
			out.Lost(batch[from:to])
		}
		from = to
	}
	for i := told; i < written; i++ {
		if it := batch[i]; later == told && l.a.form.keeps(it) {
			l.a.unsure = append(l.a.unsure, it)
		} else {
			out.Lost(batch[i : i+1])
		}
	}
	out.Back(batch[written:])
	out.Back(batch[later:told])
	if err == nil && later < told {
		err = errNotNow
	}
	return err
}

// errNotNow: the server is not in the state to take anything.
var errNotNow = errors.New("redis: the server takes nothing now")

// replied reads the reply to an item.
func (l *link) replied(it *outbox.Item) (fate, error) {
	kind, n, text, err := l.pub.head()
	switch {
	case err != nil:
		return 0, err
	case kind == '-':
		e := replyError(text)
		l.a.log.Warn("the cluster's Redis refuses a message", "error", e.Error())
		switch e.code() {
		case "READONLY", "LOADING", "MASTERDOWN", "NOAUTH":
			return notNow, nil
		}
		return refused, nil
	case kind == '$' && n >= 0: // the id of an entry
		_, err = l.pub.r.Discard(n + 2)
		return sent, err
	case it.Tag == tagProbe:
		if n == 0 {
			l.fail(errSplit)
		}
		l.vigil.Probed()
	}
	return sent, nil
}
