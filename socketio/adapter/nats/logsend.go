package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

const (
	// The parts of the queue.
	partBeside, partLog = 0, 1
	// tagLog marks items for the log.
	tagLog = 2

	// storeWithin is how long JetStream may take to store an entry until it is sent
	// again, and storePause how long it is left alone in between.
	storeWithin, storePause = time.Second, 100 * time.Millisecond
	// overdue is how long an entry may be under way until others are not told any
	// more how far this node is.
	overdue = 300 * time.Millisecond
	// logHope is how long a log may store nothing until a node that stops does not wait
	// for it any more: a stream has a leader again in 4 to 10 s.
	logHope = 10 * time.Second
	// headers is about what an entry has besides its data.
	headers = 512
)

// A logWriter has the log store what this node says, one entry after the other: of
// what gathers while one is stored the next is made. An entry is sent until it is
// known to be there. JetStream takes it only behind the one before it, so it is
// there once, and none is without those before it. It is used by one goroutine at a
// time.
type logWriter struct {
	id     uint32         // of the log that last is of
	last   uint64         // the number of this node's last entry, 0 if there is none
	unsure []*outbox.Item // of the entry that was under way when the last link ended
	data   []byte
}

// sendLog empties the log's part of the queue until the link ends, or all is
// stored that there will be.
func (l *link) sendLog(w *logWriter) {
	select {
	case <-l.logReady:
	case <-l.ctx.Done():
		return
	}
	if at := l.a.at.Load(); w.id != at.id {
		w.id, w.last = at.id, 0
	}
	q := l.a.queue
	for {
		items := w.unsure
		w.unsure = nil
		if items == nil {
			var closed bool
			if items, closed = q.TakeNow(partLog); len(items) == 0 {
				if closed {
					close(l.logDrained)
					return
				}
				select {
				case <-q.Ready(partLog):
				case <-l.ctx.Done():
					return
				}
				continue
			}
		}
		for len(items) > 0 {
			var n int
			w.data, n = appendEntry(w.data[:0], items)
			if !l.store(w, items[0].Dest) {
				w.unsure = append([]*outbox.Item(nil), items[:n]...)
				q.Back(items[n:])
				return
			}
			q.Sent(items[:n])
			items = items[n:]
		}
		if cap(w.data) > 1<<20 {
			w.data = nil
		}
	}
}

// store has an entry stored; false: the link has ended, and perhaps it was not.
func (l *link) store(w *logWriter, subject string) bool {
	began := time.Now()
	l.a.storing.Store(&began)
	defer l.a.storing.Store(nil)
	told := ""
	for l.ctx.Err() == nil {
		seq, err := l.tryStore(w, subject)
		if err == nil {
			w.last = seq
			return true
		}
		var failed *apiError
		if errors.As(err, &failed) && failed.ErrCode == codeWrongLast {
			var last uint64
			if _, err := fmt.Sscanf(failed.Description, "wrong last sequence: %d", &last); err == nil {
				if last > w.last { // nobody else writes there: it is this entry
					w.last = last
					return true
				}
				if last < w.last { // the one before it is not kept any more
					w.last = last
					continue
				}
			}
		}
		if l.ctx.Err() == nil && err.Error() != told {
			told = err.Error()
			l.a.log.Warn("cluster: JetStream does not store what clients may come back for; it waits, and is sent again", "server", l.address, "error", err)
		}
		select {
		case <-time.After(storePause):
		case <-l.ctx.Done():
		}
	}
	return false
}

func (l *link) tryStore(w *logWriter, subject string) (uint64, error) {
	msg := nats.NewMsg(subject)
	msg.Data = w.data
	msg.Header[nats.ExpectedLastSubjSeqHdr] = []string{strconv.FormatUint(w.last, 10)}
	msg.Header[nats.ExpectedStreamHdr] = []string{l.a.subjects.logStream}
	ctx, cancel := context.WithTimeout(l.ctx, storeWithin)
	defer cancel()
	answer, err := l.nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return 0, err
	}
	r, err := readAnswer(answer.Data)
	if err == nil && r.Seq == 0 {
		err = errors.New("nats: an answer that is none of JetStream")
	}
	return r.Seq, err
}

// hopeless reports whether the log has stored nothing for so long that it will not
// soon.
func (l *link) hopeless() bool {
	since := l.began
	if s := l.a.storing.Load(); s != nil {
		since = *s
	} else if l.a.logOpen.Load() {
		return false
	}
	return time.Since(since) > l.a.opts.logHope
}

// Lags implements [adapter.Laggard].
func (a *Adapter) Lags() bool {
	if !a.logs {
		return false
	}
	since := a.storing.Load()
	return !a.logOpen.Load() || since != nil && time.Since(*since) > overdue
}

// keepable reports whether a message that is for all nodes goes into the log.
func keepable(m *adapter.Message) bool {
	switch m.Kind {
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		return true
	case adapter.Broadcast:
		return m.Request == "" && !m.Flags.Volatile
	}
	return false
}
