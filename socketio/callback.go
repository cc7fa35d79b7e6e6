package socketio

import (
	"sync"
	"time"
)

// callback is the acker of EmitFunc.
type callback struct {
	f func(Ack, error)

	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

// expires hands the timer over, which the answer stops.
func (w *callback) expires(t *time.Timer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		t.Stop()
		return
	}
	w.timer = t
}

func (w *callback) answered(s *Socket, a Ack, err error) { s.put(w.task(a, err)) }

// task is the call, as an entry of the inbox. There is no wait any more.
func (w *callback) task(a Ack, err error) *task {
	w.mu.Lock()
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	return &task{kind: taskCallback, reply: &reply{w.f, a, err}}
}
