package auth

import (
	"context"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// A watch is one socket's token, and its end.
type watch struct {
	guard  *Guard
	socket *socketio.Socket

	mu    sync.Mutex
	id    Identity
	asked bool // for a new token, since the last one
	wrong int  // tokens
	gone  bool
	timer engineio.Timer
}

// begin sets the first timer.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setLocked()
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	w.timer.Stop()
}

// setLocked waits for when something is to be done next.
func (w *watch) setLocked() {
	w.timer.Stop()
	if w.gone || w.id.Expires.IsZero() {
		return
	}
	wait := time.Until(w.id.Expires)
	if !w.asked {
		wait = max(wait-w.guard.opts.Warn, wait/2)
		if w.guard.opts.Warn < 0 { // nobody is asked
			w.asked, wait = true, time.Until(w.id.Expires)
		}
	}
	w.socket.Server().Engine().AfterFunc(max(wait, 0), &w.timer, (*alarm)(w))
}

// alarm is a watch whose time has come. It runs where nothing may block.
type alarm watch

// Run implements engineio.Runner.
func (a *alarm) Run() { (*watch)(a).socket.Server().Engine().Go((*chore)(a)) }

// chore is what is done then.
type chore watch

// Run implements engineio.Runner.
func (c *chore) Run() { (*watch)(c).due() }

// due asks for a new token, or ends the socket.
func (w *watch) due() {
	w.mu.Lock()
	remains := time.Until(w.id.Expires)
	idle := w.gone || w.id.Expires.IsZero() // or there is a new token
	ask := !idle && remains > 0 && !w.asked
	end := !idle && remains <= 0
	w.asked = w.asked || ask
	if !end {
		w.setLocked()
	}
	w.mu.Unlock()
	switch {
	case end:
		w.guard.end(w.socket, ended{"expired", "the token has ended: sign in again"}, false)
	case ask:
		w.ask(remains)
	}
}

// ask has the client send a new token. That it does not is seen at the end.
func (w *watch) ask(remains time.Duration) {
	_ = w.socket.EmitFunc(string(expiring), remains, func(a socketio.Ack, err error) {
		var token string
		if err != nil || a.Len() == 0 || a.Scan(&token) != nil {
			return
		}
		_, _ = w.renew(w.socket.Context(), token) // the client may ask by auth:refresh what was wrong
	}, left{remains.Milliseconds()})
}

var (
	errOther   = socketio.Errorf("another_user", "this token is another user's: connect anew")
	errTooMany = socketio.Errorf("too_many", "too many wrong tokens")
)

// renew takes a new token for the old one, if it is the same user's.
func (w *watch) renew(ctx context.Context, token string) (left, error) {
	id, err := w.guard.verify(ctx, w.socket, token)
	w.mu.Lock()
	if err == nil && id.User != w.id.User {
		err = errOther
	}
	if err != nil {
		w.wrong++
		most := w.guard.opts.MaxWrong
		tooMany := w.wrong >= most
		w.mu.Unlock()
		if tooMany {
			w.guard.end(w.socket, ended{errTooMany.Code, errTooMany.Message}, false)
			err = errTooMany
		}
		return left{}, err
	}
	defer w.mu.Unlock()
	w.id, w.asked, w.wrong = id, false, 0
	key.Set(w.socket, id)
	w.setLocked()
	if id.Expires.IsZero() {
		return left{}, nil
	}
	return left{time.Until(id.Expires).Milliseconds()}, nil
}
