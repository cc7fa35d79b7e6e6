package socketio_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// An answer, or the end of the wait for it, at the moment in which the socket is
// disconnected: whoever waits is told of the one or the other, and once.
func TestAnswersAtTheLastMoment(t *testing.T) {
	const rounds, questions = 300, 20
	io := socketio.New(quiet())
	srv := socketiotest.Serve(t, io)
	var asked, told atomic.Int64
	var all sync.WaitGroup
	for range rounds {
		c := srv.Connect(&socketiotest.Options{Handle: map[string]func(*socketiotest.Event){
			"question": func(e *socketiotest.Event) { e.Ack("answer") },
		}})
		s, ok := io.Of("/").Socket(c.ID())
		if !ok {
			t.Fatal("no socket")
		}
		for i := range questions {
			timeout := time.Duration(-1)
			if i%2 == 0 {
				timeout = time.Duration(1+i) * 10 * time.Microsecond
			}
			all.Add(1)
			once := new(atomic.Bool)
			err := s.EmitFunc("question", timeout, func(socketio.Ack, error) {
				if once.Swap(true) {
					t.Error("told twice")
					return
				}
				told.Add(1)
				all.Done()
			})
			if err != nil {
				all.Done()
				continue
			}
			asked.Add(1)
			if i == questions/2 {
				go s.Disconnect(true)
			}
		}
		c.Close()
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(slow.Stretch(30 * time.Second)):
		t.Fatalf("%d asked, %d told", asked.Load(), told.Load())
	}
}
