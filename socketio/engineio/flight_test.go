package engineio

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
)

// landed waits until nothing of a session counts as on its way any more.
func landed(t *testing.T, what string, s *Session) {
	t.Helper()
	for end := time.Now().Add(slow.Stretch(10 * time.Second)); s.flying.Load() != 0; {
		if time.Now().After(end) {
			t.Fatalf("%s: %d bytes are on their way for ever", what, s.flying.Load())
		}
		<-time.After(time.Millisecond)
	}
}

// Long answers, one after the other on one connection, count until they have left
// and no longer, also when the client's next poll is read before the server knows
// that it has sent the answer before.
func TestLongAnswersAreCounted(t *testing.T) {
	r := tcpRig(t, quiet(), nil)
	long := strings.Repeat("x", 70_000) // two pieces, the second a small one
	var all sync.WaitGroup
	for range 4 {
		q, e := r.open(4)
		k := r.keepAlive()
		all.Go(func() {
			for i := range 150 {
				for range 2 { // the second waits for the next poll
					if err := e.s.Send(text(long), 0); err != nil {
						t.Errorf("message %d: %v", i, err)
						return
					}
				}
				for want := 2; want > 0; {
					k.write(getHead(q))
					res, err := http.ReadResponse(k.r, nil)
					if err != nil {
						t.Error(err)
						return
					}
					b, err := io.ReadAll(res.Body)
					if err != nil || res.StatusCode != http.StatusOK {
						t.Error(res.Status, err)
						return
					}
					want -= strings.Count(string(b), "4x")
				}
			}
			landed(t, "polled", e.s)
		})
	}
	all.Wait()
}

// A client that goes while it is answered at length leaves nothing behind.
func TestLongAnswerToOneWhoGoes(t *testing.T) {
	r := tcpRig(t, quiet(), nil)
	long := strings.Repeat("x", 200_000)
	for i := range 150 {
		q, e := r.open(4)
		c := r.dial()
		if _, err := fmt.Fprint(c, getHead(q)+getHead(q)[:i%50]); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { _ = e.s.Send(text(long), 0) }) // it may be too late
		both.Go(func() { _ = c.Close() })
		both.Wait()
		e.s.CloseNow(ForcedServerClose, nil)
		<-e.closed
		landed(t, fmt.Sprint("client ", i), e.s)
	}
}
