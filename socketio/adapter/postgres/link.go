package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

// A link is two connections to one server, which live and end together.
type link struct {
	a        *Adapter
	pub, sub *conn

	ctx     context.Context
	fail    context.CancelCauseFunc
	vigil   brokered.Vigil
	cleaned time.Time // when old rows were deleted last; the sender's

	asking sync.WaitGroup // those who wait for pub besides

	mu    sync.Mutex // of what is written to sub
	heard [][]string // channels of the questions to sub that are not answered yet
}

// farewell is how long an answer is waited for when the other connection has
// ended.
const farewell = 200 * time.Millisecond

// connect makes the connections of a link.
func (a *Adapter) connect(ctx context.Context) (l *link, err error) {
	l = &link{a: a, cleaned: time.Now()}
	if l.pub, err = a.dial(ctx); err != nil {
		return nil, err
	}
	if err = l.ready(); err == nil {
		l.sub, err = a.dial(ctx)
	}
	if err != nil {
		l.pub.close()
		return nil, err
	}
	l.ctx, l.fail = context.WithCancelCause(ctx)
	return l, nil
}

// ready makes what is needed to send.
func (l *link) ready() error {
	stop := time.AfterFunc(dialTime, l.pub.close)
	defer stop.Stop()
	if err := l.pub.prepare(notify, notifySQL); err != nil {
		return err
	}
	return l.makeTable()
}

// makeTable makes the table if it is missing. What the server says against it is
// no reason to do without the rest.
func (l *link) makeTable() error {
	rows, err := l.pub.ask("", "SELECT to_regclass('"+table+"')::text")
	if err == nil && len(rows) == 1 && rows[0] == nil {
		_, err = l.pub.ask("", "CREATE TABLE IF NOT EXISTS "+table+" (id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea)")
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) && !unready(refused) {
		if !made(refused) {
			l.a.log.Warn("the cluster's PostgreSQL has no table "+table+", and refuses to make it: nothing that is binary or large goes to other nodes", "error", refused.Message)
		}
		return nil
	}
	return err
}

// made reports whether a table was not made since another node makes it, too.
func made(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && slices.Contains([]string{"23505", "42P07", "42710"}, refused.Code)
}

// Serve implements [brokered.Link].
func (l *link) Serve(patience time.Duration, again bool) (worked bool, err error) {
	l.vigil.Begin(patience)
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
	l.a.mu.Lock()
	l.a.link = l
	clear(l.a.changes)
	first := []string{l.a.probeChannel()}
	for name := range l.a.channels {
		first = append(first, name)
	}
	l.a.deafLocked()
	l.a.mu.Unlock()
	ready := make(chan struct{})
	run(func() error { return l.receive(ready) })
	run(func() error { return l.listen(first, nil) })
	select {
	case <-ready:
		worked = true
		l.a.base.In.Up(again)
		run(func() error {
			defer close(sent)
			return l.a.base.Send(l.ctx, l.send)
		})
		run(l.follow)
		run(func() error {
			l.vigil.Heard() // the server has just answered
			return l.vigil.Keep(l.ctx, &l.a.pace.Pace, l)
		})
	case <-time.After(dialTime):
		l.fail(errors.New("postgres: LISTEN takes too long"))
	case <-l.ctx.Done():
	}
	if !worked {
		close(sent)
	}
	<-l.ctx.Done()
	l.a.mu.Lock()
	l.a.link = nil
	l.a.mu.Unlock()
	all.Wait()
	l.asking.Wait()
	return worked, context.Cause(l.ctx)
}

// listen asks the server to tell of some channels, and of others no more. The
// first question is answered by ready.
func (l *link) listen(on, off []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, name := range off {
		b.WriteString("UNLISTEN " + quoted(name) + ";")
	}
	for _, name := range on {
		b.WriteString("LISTEN " + quoted(name) + ";")
	}
	l.heard = append(l.heard, on)
	l.sub.fe.SendQuery(&pgproto3.Query{String: b.String()})
	return l.sub.fe.Flush()
}

// follow tells the server which channels have come and gone.
func (l *link) follow() error {
	a := l.a
	for {
		select {
		case <-a.changed:
		case <-l.ctx.Done():
			return nil
		}
		var on, off []string
		a.mu.Lock()
		for name := range a.changes {
			if len(a.channels[name]) > 0 {
				on = append(on, name)
			} else {
				off = append(off, name)
			}
		}
		clear(a.changes)
		a.mu.Unlock()
		if len(on)+len(off) == 0 {
			continue
		}
		if err := l.listen(on, off); err != nil {
			return err
		}
	}
}

// maxNames is how many names of channels a link remembers.
const maxNames = 256

// receive passes on what comes, until the connection ends. It closes ready when
// the first question is answered.
func (l *link) receive(ready chan struct{}) error {
	probe := l.a.probeChannel()
	names := make(map[string]string) // of channels, so that each is one string
	var notes []note                 // from the first whose message is in a row
	for {
		var err error
		if len(notes) == gatherNotes || len(notes) > 0 && l.sub.fe.ReadBufferLen() == 0 {
			if notes, err = l.settle(notes); err != nil {
				return err
			}
		}
		msg, err := l.sub.fe.Receive()
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *pgproto3.NotificationResponse:
			if m.Channel == probe {
				l.vigil.Returned()
				continue
			}
			name, ok := names[m.Channel]
			if !ok {
				if len(names) == maxNames {
					clear(names)
				}
				name = m.Channel
				names[name] = name
			}
			if n := l.noted(name, m.Payload); n.row != 0 || len(notes) > 0 {
				notes = append(notes, n)
			} else {
				l.notified(&n)
			}
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			l.mu.Lock()
			on := l.heard[0]
			l.heard = l.heard[1:]
			l.mu.Unlock()
			for _, ns := range l.a.listening(on) {
				l.a.say(adapter.Hello, ns)
			}
			if ready != nil {
				close(ready)
				ready = nil
			}
		}
	}
}

// notified takes a notification whose message is there.
func (l *link) notified(n *note) {
	a := l.a
	m, err := l.read(n)
	if m != nil && m.NS != "/" && (m.To == "" || m.To == a.self.ID) && (m.Kind == adapter.Hello || m.Kind == adapter.Heartbeat || m.Kind == adapter.Goodbye) {
		// It has been taken note of; above, nodes are known by what they say in "/".
		a.base.In.Received.Add(1)
		return
	}
	a.base.In.Take(a.self.ID, m, err)
}

// read makes a message of a notification; nil: of no concern here. An error is a
// Malformed.
func (l *link) read(n *note) (*adapter.Message, error) {
	a := l.a
	if n.own || n.err != nil {
		return nil, n.err
	}
	spaces := a.namespaces(n.channel)
	ns := ""
	if len(spaces) == 1 {
		ns = spaces[0]
	}
	m, err := a.reader.Shared(ns, n.data)
	if err != nil {
		return nil, err
	}
	if at, from := a.reader.Last(); from != "" && !a.seen(at, from, m) {
		return nil, nodewire.Malformed("peers")
	}
	if m != nil && ns == "" && !a.has(m.NS) {
		return nil, nil
	}
	return m, nil
}
