package nats

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
)

const (
	// someSessions are stored at once,
	someSessions = 256
	// and may take so long.
	sessionsWithin = 3 * time.Second
	// tries is how often is tried again what somebody else is quicker at.
	tries = 5
	// gone is how long it is remembered that there is nothing any more.
	gone = time.Second
)

const (
	ttlHeader  = "Nats-TTL"
	lastHeader = nats.ExpectedLastSubjSeqHdr
)

// PutSession implements [adapter.Log].
func (a *Adapter) PutSession(s adapter.Session) {
	if !a.logs {
		brokered.Tell(s, adapter.NotStored)
		return
	}
	a.sessions.Put(s, someSessions, a.storeSome)
}

// storeSome stores some sessions, of several of one key the last.
func (a *Adapter) storeSome(list []adapter.Session) {
	l, _, err := a.connection()
	if err != nil {
		for _, s := range list {
			brokered.Tell(s, adapter.NotStored)
		}
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, sessionsWithin)
	defer cancel()
	var waits sync.WaitGroup
	byKey := make(map[string][]adapter.Session)
	for _, s := range list {
		byKey[s.Key] = append(byKey[s.Key], s)
	}
	for _, row := range byKey {
		waits.Go(func() {
			for _, s := range row {
				what, err := l.keep(ctx, s)
				if err != nil {
					a.log.Warn("cluster: JetStream does not store clients", "server", l.address, "error", err)
				}
				brokered.Tell(s, what)
			}
		})
	}
	waits.Wait()
}

// keep stores a session.
func (l *link) keep(ctx context.Context, s adapter.Session) (adapter.Stored, error) {
	subject := l.a.subjects.session + token(s.Key)
	if s.First && s.TTL > 0 {
		_, err := l.put(ctx, subject, s.State, s.TTL, "")
		return storedIf(err), err
	}
	if s.Number > 0 && s.TTL > 0 { // it is there still, most likely
		if _, err := l.put(ctx, subject, s.State, s.TTL, strconv.FormatUint(s.Number, 10)); !quicker(err) {
			return storedIf(err), err
		}
	}
	var err error
	for range tries {
		var m *keptMessage
		if m, err = l.last(ctx, subject); err != nil {
			return adapter.NotStored, err
		}
		state, ttl := s.State, s.TTL
		switch {
		case m == nil || len(m.Data) < adapter.SessionTag:
			if !s.First {
				return adapter.StoredNone, nil
			}
			return adapter.StoredThere, nil // there is nothing to take away
		case !s.First && !bytes.HasPrefix(m.Data, s.Replaces()):
			return adapter.StoredOther, nil
		case s.TTL <= 0:
			state, ttl = nil, gone
		}
		if _, err = l.put(ctx, subject, state, ttl, strconv.FormatUint(m.Seq, 10)); !quicker(err) {
			break
		}
	}
	return storedIf(err), err
}

func storedIf(err error) adapter.Stored {
	if err != nil {
		return adapter.NotStored
	}
	return adapter.StoredThere
}

// quicker reports whether somebody else has put something there.
func quicker(err error) bool { return failedWith(err, codeWrongLast) }

// token is a key as a part of a subject.
func token(key string) string {
	for i := range len(key) {
		if c := key[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			sum := sha256.Sum256([]byte(key))
			return hex.EncodeToString(sum[:])
		}
	}
	return key
}

// last is what a subject has.
func (l *link) last(ctx context.Context, subject string) (*keptMessage, error) {
	return l.message(ctx, l.a.subjects.keyStream, fmt.Appendf(nil, `{"last_by_subj":%q}`, subject))
}

// put stores something for whole seconds, ttl or a little more; after is the
// number of what it replaces, empty: whatever there is.
func (l *link) put(ctx context.Context, subject string, data []byte, ttl time.Duration, after string) (uint64, error) {
	msg := nats.NewMsg(subject)
	msg.Data = data
	msg.Header[ttlHeader] = []string{strconv.FormatInt(int64((ttl+time.Second-1)/time.Second), 10) + "s"}
	if after != "" {
		msg.Header[lastHeader] = []string{after}
	}
	for {
		answer, err := l.nc.RequestMsgWithContext(ctx, msg)
		if err != nil {
			return 0, err
		}
		r, err := readAnswer(answer.Data)
		if !failedWith(err, codeBusy) {
			return r.Seq, err
		}
		select { // another is being stored there
		case <-time.After(catchUp):
		case <-ctx.Done():
			return 0, err
		}
	}
}

// failedWith reports whether JetStream has refused something for that.
func failedWith(err error, code int) bool {
	var failed *apiError
	return errors.As(err, &failed) && failed.ErrCode == code
}

// PeekSessions implements [adapter.Log].
func (a *Adapter) PeekSessions(ctx context.Context, keys []string) ([]adapter.Kept, error) {
	l, _, err := a.connection()
	if err != nil {
		return nil, err
	}
	list := make([]adapter.Kept, len(keys))
	errs := make([]error, len(keys))
	var waits sync.WaitGroup
	for i, key := range keys {
		waits.Go(func() {
			var m *keptMessage
			if m, errs[i] = l.last(ctx, a.subjects.session+token(key)); errs[i] == nil && m != nil && len(m.Data) > 0 {
				list[i] = adapter.Kept{State: m.Data, Number: m.Seq}
			}
		})
	}
	waits.Wait()
	return list, errors.Join(errs...)
}

// Claim implements [adapter.Claimer], for as many whole seconds as make up ttl. It
// fails with [adapter.ErrNoClaims] where there is no log.
func (a *Adapter) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if !a.logs {
		return false, adapter.ErrNoClaims
	}
	l, _, err := a.connection()
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256([]byte(key))
	subject := a.subjects.claim + hex.EncodeToString(sum[:])
	if _, err = l.put(ctx, subject, []byte(a.self.ID), ttl, "0"); quicker(err) {
		return false, nil
	}
	return err == nil, err
}
