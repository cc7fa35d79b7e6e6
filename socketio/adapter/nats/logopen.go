package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
)

const (
	// opening may take so long until it is tried again,
	openWithin = 3 * time.Second
	// after so long.
	openPause = 500 * time.Millisecond
	// meshLogWithin is how long the log of a mesh may take to begin.
	meshLogWithin = 15 * time.Second
	// skip is by how much numbers jump that must not be used again.
	skip = 1 << 20
)

// A place is how far the log was read.
type place struct {
	id    uint32 // of the log; 0: none was
	next  uint64 // the number of the entry that comes next
	stamp string // the time of the entry before it, as JetStream writes it; empty: not known
}

// opened is what a link has found of the log.
type opened struct {
	place        // where to go on
	last  uint64 // the number of the last entry
	anew  bool   // it is another log, or has lost what comes next
}

// openLog finds the log, or makes it, and tells the receiving goroutine.
func (l *link) openLog(from place) {
	told, began := "", time.Now()
	for l.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(l.ctx, openWithin)
		o, err := l.tryLog(ctx, from)
		cancel()
		if err == nil {
			if told != "" {
				l.a.log.Info("cluster: the log is there: clients come back to any node")
			}
			select {
			case l.opened <- o:
			case <-l.ctx.Done():
			}
			return
		}
		if l.ctx.Err() == nil && err.Error() != told {
			told = err.Error()
			const what = "cluster: there is no log yet: what clients may come back for waits, for other nodes; it tries on"
			switch {
			case !l.a.opts.Local:
				l.a.log.Warn(what, "server", l.address, "error", err)
			case time.Since(began) < meshLogWithin: // the nodes have to find one another
				l.a.log.Info(what, "error", err)
			default:
				l.a.log.Warn(what, "hint", "more than half of the nodes that the URL names must be there", "error", err)
			}
		}
		select {
		case <-time.After(brokered.Jitter(openPause)):
		case <-l.ctx.Done():
		}
	}
}

func (l *link) tryLog(ctx context.Context, from place) (o opened, err error) {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return o, err
	}
	if err := usable(ctx, l.nc); err != nil {
		return o, err
	}
	if _, err := l.a.stream(ctx, js, l.a.keysConfig()); err != nil {
		return o, err
	}
	info, err := l.a.stream(ctx, js, l.a.logConfig())
	if err != nil {
		return o, err
	}
	id, state := logIDOf(info), info.State
	if from.id == id {
		if intact, err := l.intact(ctx, from, state.LastSeq); err != nil {
			return o, err
		} else if intact && state.FirstSeq > from.next { // what came next is not kept any more
			return opened{place: place{id: id, next: state.FirstSeq}, last: state.LastSeq, anew: true}, nil
		} else if intact {
			return opened{place: from, last: state.LastSeq}, nil
		}
		// Entries that were read are not there any more, or others are under their
		// numbers. Numbers jump so that nobody takes what comes for what was.
		l.a.log.Error("cluster: JetStream has lost the end of its log: clients from before are not recovered", "server", l.address, "read", from.next-1, "last", state.LastSeq)
		s, err := js.Stream(ctx, l.a.subjects.logStream)
		if err != nil {
			return o, err
		}
		if err := s.Purge(ctx, jetstream.WithPurgeSequence(max(from.next, state.LastSeq)+skip)); err != nil {
			return o, err
		}
		if info, err = s.Info(ctx); err != nil {
			return o, err
		}
		state = info.State
	}
	o = opened{place: place{id: id, next: state.LastSeq + 1}, last: state.LastSeq, anew: from.id != 0}
	o.stamp, _, err = l.stampOf(ctx, state.LastSeq)
	return o, err
}

// intact reports whether the log has what was read last, or has had it.
func (l *link) intact(ctx context.Context, from place, last uint64) (bool, error) {
	if last < from.next-1 {
		return false, nil
	}
	if from.stamp == "" {
		return true, nil
	}
	stamp, there, err := l.stampOf(ctx, from.next-1)
	return !there || stamp == from.stamp, err
}

// stampOf is the time of an entry.
func (l *link) stampOf(ctx context.Context, seq uint64) (stamp string, there bool, err error) {
	if seq == 0 {
		return "", false, nil
	}
	m, err := l.message(ctx, l.a.subjects.logStream, fmt.Appendf(nil, `{"seq":%d}`, seq))
	if err != nil || m == nil {
		return "", false, err
	}
	return m.Time, true, nil
}

// A kept message is one of a stream.
type keptMessage struct {
	Subject string `json:"subject"`
	Seq     uint64 `json:"seq"`
	Data    []byte `json:"data"`
	Time    string `json:"time"`
}

// An apiAnswer is what JetStream says.
type apiAnswer struct {
	Message *keptMessage `json:"message"`
	Seq     uint64       `json:"seq"`
	Error   *apiError    `json:"error"`
}

type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("JetStream: %s (%d)", e.Description, e.ErrCode) }

// JetStream's codes: another message is the last, or one is being stored.
const (
	codeWrongLast = 10071
	codeBusy      = 10164
)

func readAnswer(data []byte) (r apiAnswer, err error) {
	if err = json.Unmarshal(data, &r); err == nil && r.Error != nil {
		err = r.Error
	}
	return r, err
}

// message asks the one server that knows for a message; nil: there is none.
func (l *link) message(ctx context.Context, stream string, which []byte) (*keptMessage, error) {
	msg, err := l.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, which)
	if err != nil {
		return nil, err
	}
	return messageIn(msg.Data)
}

func messageIn(data []byte) (*keptMessage, error) {
	r, err := readAnswer(data)
	var failed *apiError
	if errors.As(err, &failed) && failed.Code == 404 {
		return nil, nil
	}
	return r.Message, err
}
