package engineio

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// elsewhere is n messages of other nodes, which are sent to all of some sessions.
// It returns how many each took.
func elsewhere(srv *Server, from, n, size int, to ...*Session) (took []int) {
	took = make([]int, len(to))
	for i := range n {
		m := text(fmt.Sprint(from+i, " ", strings.Repeat("x", size)))
		srv.FromElsewhere(m)
		for j, s := range to {
			if s.Send(m, 0) == nil {
				took[j]++
			}
		}
	}
	return took
}

// What other nodes say all at once, when their broker is back, costs no client
// its connection that takes it in the end, however much more than MaxQueue it is.
func TestBurstFromElsewhere(t *testing.T) {
	const n, size = 8000, 1000 // 8 MB, twice MaxQueue
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(4)
		q, p := r.open(4)
		for j, took := range elsewhere(r.srv, 0, n, size, e.s, p.s) {
			if took != n {
				t.Fatalf("client %d was put out after %d of %d messages", j, took, n)
			}
		}
		for i := range n / 2 {
			if got := s.read(); !strings.HasPrefix(got, fmt.Sprintf("4%d ", i)) {
				t.Fatalf("message %d: %.20q", i, got)
			}
		}
		if err := e.s.Send(text("own"), 0); err != nil {
			t.Fatal(err)
		}
		for i := n / 2; i < n; i++ {
			if got := s.read(); !strings.HasPrefix(got, fmt.Sprintf("4%d ", i)) {
				t.Fatalf("message %d: %.20q", i, got)
			}
		}
		want(t, "this node's own", s.read(), "4own")
		for i, polls := 0, 0; i < n; polls++ {
			body, ok := strings.CutPrefix(r.get(q), "200 ")
			if !ok || polls > 0 && len(body) > 4<<20 {
				t.Fatalf("poll %d: %d bytes, %.40q", polls, len(body), body)
			}
			for _, m := range strings.Split(body, "\x1e") {
				if !strings.HasPrefix(m, fmt.Sprintf("4%d ", i)) {
					t.Fatalf("message %d of poll %d: %.20q", i, polls, m)
				}
				i++
			}
		}
	})
}

// A client that does not read at all is put out once other nodes have said 32 MiB
// more, or this one MaxQueue.
func TestBurstIsBounded(t *testing.T) {
	o := quiet()
	o.PingInterval = -1
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, e := r.openWebSocket(4)
		_, p := r.open(4)
		took := elsewhere(r.srv, 0, 45_000, 1000, e.s, p.s)
		synctest.Wait()
		for j, e := range []*echo{e, p} {
			want(t, "reason", string(e.end(t)), "transport error")
			if b, ok := e.cause.(*BoundError); !ok || b.Bound != BoundMaxQueue || took[j] < burstBytes/1100 || took[j] > (burstBytes+8<<20)/1000 {
				t.Errorf("client %d: %v after %d", j, e.cause, took[j])
			}
		}
		_, e = r.openWebSocket(4)
		_, p = r.open(4)
		elsewhere(r.srv, 0, 8000, 1000, e.s, p.s)
		for _, e := range []*echo{e, p} {
			n := 0
			for ; n < 9000 && e.s.Send(text(strings.Repeat("x", 1000)), 0) == nil; n++ {
			}
			if synctest.Wait(); n > 4200 {
				t.Errorf("%d of this node's own were taken besides", n)
			}
			want(t, "reason", string(e.end(t)), "transport error")
		}
		_, p = r.open(4) // others have said nothing since
		n := 0
		for ; n < 9000 && p.s.Send(text(strings.Repeat("x", 1000)), 0) == nil; n++ {
		}
		if want := 4 << 20 / 1032; n < want-10 || n > want+10 {
			t.Errorf("%d of this node's own were taken, want %d", n, want)
		}
	})
}
