package nats

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

var _ adapter.Log = (*Adapter)(nil)

// catchUp is how long a server that does not have the end of the log yet is left
// alone.
const catchUp = 20 * time.Millisecond

// connection is that of the link whose log is open, and how far that was read.
func (a *Adapter) connection() (*link, place, error) {
	a.mu.Lock()
	l := a.link
	a.mu.Unlock()
	at := a.at.Load()
	switch {
	case !a.logs:
		return nil, place{}, errNoLog
	case l == nil || at == nil || !a.logOpen.Load():
		return nil, place{}, errDown
	}
	return l, *at, nil
}

// Read implements [adapter.Log].
func (a *Adapter) Read(ctx context.Context, ns string, from, to adapter.Mark, yield func(*adapter.Message) error) error {
	l, at, err := a.connection()
	switch {
	case err != nil:
		return err
	case from.Log != at.id || to.Log != at.id || from.High >= at.next:
		return adapter.ErrGone // of another log, or from the future
	case to.High >= at.next:
		to = adapter.Mark{Log: at.id, High: at.next - 1, Low: whole}
	}
	// The entry where reading begins may be gone if all of it was read.
	r := reading{a: a, ns: ns, from: from, to: to, yield: yield, next: from.High}
	if from.Low == whole || from.High == 0 {
		r.next++
	}
	if r.next > to.High {
		return ctx.Err()
	}
	sub, err := l.nc.SubscribeSync(l.nc.NewInbox())
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // or the link has ended
	for r.next <= to.High {
		if err := l.nc.PublishRequest("$JS.API.DIRECT.GET."+a.subjects.logStream, sub.Subject, pageOf(r.next, int(min(pageEntries, r.to.High-r.next+1)))); err != nil {
			return err
		}
		before := r.next
		if err := r.page(ctx, sub); err != nil {
			return err
		}
		if r.next == before {
			select {
			case <-time.After(catchUp):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return ctx.Err()
}

// End implements [adapter.Log].
func (a *Adapter) End(ctx context.Context) (adapter.Mark, error) {
	l, _, err := a.connection()
	if err != nil {
		return adapter.Mark{}, err
	}
	js, err := jetstream.New(l.nc)
	if err != nil {
		return adapter.Mark{}, err
	}
	s, err := js.Stream(ctx, a.subjects.logStream) // which asks
	if err != nil {
		return adapter.Mark{}, err
	}
	info := s.CachedInfo()
	return markOf(logIDOf(info), info.State.LastSeq, whole), nil
}

// A reading is a part of the log on its way to somebody.
type reading struct {
	a        *Adapter
	ns       string
	from, to adapter.Mark
	yield    func(*adapter.Message) error
	next     uint64 // the entry that comes next
	msg      adapter.Message
}

// page reads the answers to one question.
func (r *reading) page(ctx context.Context, sub *nats.Subscription) error {
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		if msg.Header.Get("Status") != "" {
			return nil
		}
		seq, _, ok := r.a.reader.placeOf(msg)
		node, known := strings.CutPrefix(msg.Header.Get("Nats-Subject"), r.a.subjects.log)
		switch {
		case r.next > r.to.High || ok && seq < r.next:
			continue
		case !ok || !known || seq > r.next:
			return adapter.ErrGone // something is missing
		}
		r.next++
		if err := r.entry(node, seq, msg.Data); err != nil {
			return err
		}
	}
}

func (r *reading) entry(node string, seq uint64, data []byte) error {
	m := &r.msg
	return r.a.entry(node, data, m, func(n int, bad string) error {
		at := markOf(r.from.Log, seq, uint32(n))
		if bad != "" || m.NS != r.ns || r.from.Reaches(at) || !r.to.Reaches(at) {
			return nil
		}
		m.At = at
		return r.yield(m)
	})
}
