package engineio

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// fullInbox pauses its session after each message until Served was called.
type fullInbox struct {
	echo
	served int
}

func (f *fullInbox) Receive(data []byte, binary bool) {
	f.echo.Receive(data, binary)
	f.s.Serve()
	f.s.Pause()
}

func (f *fullInbox) Served() {
	f.served++
	f.s.Resume()
}

// A payload that fills the inbox must be served before its end, which it would
// otherwise never reach.
func TestServedWithinAPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var recv *fullInbox
		r := memoryRig(t, quiet(), func(s *Session) Receiver {
			recv = &fullInbox{echo: echo{s: s, closed: make(chan struct{})}}
			return recv
		})
		status, open, _ := r.request("GET", "EIO=4&transport=polling", "")
		if status != 200 {
			t.Fatalf("handshake: %d %s", status, open)
		}
		status, answer, _ := r.request("POST", "EIO=4&transport=polling&sid="+recv.s.ID(), strings.Repeat("4x\x1e", 9)+"4x")
		if status != 200 || answer != "ok" {
			t.Fatalf("POST: %d %s", status, answer)
		}
		synctest.Wait()
		if len(recv.got) != 10 || recv.served != 10 {
			t.Fatalf("received %d messages, served %d times; want 10 and 10", len(recv.got), recv.served)
		}
	})
}

// The first POST may be there before the handler of the handshake has returned.
func TestPostOnTheHeelsOfTheHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var recv *echo
		var r *rig
		o := quiet()
		answers := 0
		o.OnHeaders = func(http.Header, *http.Request) {
			if answers++; answers > 1 {
				return
			}
			status, answer, _ := r.request("POST", "EIO=4&transport=polling&sid="+recv.s.ID(), "4early")
			if status != 200 || answer != "ok" {
				t.Errorf("POST: %d %s", status, answer)
			}
		}
		r = memoryRig(t, o, func(s *Session) Receiver {
			recv = &echo{s: s, closed: make(chan struct{})}
			return recv
		})
		if status, open, _ := r.request("GET", "EIO=4&transport=polling", ""); status != 200 {
			t.Fatalf("handshake: %d %s", status, open)
		}
		synctest.Wait()
		if len(recv.got) != 1 || recv.got[0] != "early" {
			t.Errorf("received %q, want the early message", recv.got)
		}
	})
}
