//go:build unix

package redis

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// The numbers are those of the official adapter's function, but for the sign.
func TestStreamOf(t *testing.T) {
	for ns, want := range map[string]string{
		"/": "socket.io-3", "/chat": "socket.io-3", "/notifications": "socket.io-1", "/日本😀": "socket.io-1",
	} {
		if got := streamOf("socket.io", ns, 4); got != want {
			t.Errorf("%s: %s, want %s", ns, got, want)
		}
		if got := streamOf("socket.io", ns, 1); got != "socket.io" {
			t.Errorf("%s: %s", ns, got)
		}
	}
	want := "[p--2 p--1 p-0 p-1 p-2]"
	if got := fmt.Sprint(streamsOf("p", 3)); got != want {
		t.Error(got)
	}
}

func dedupe(list []int) (out []int) {
	for _, n := range list {
		if len(out) == 0 || n > out[len(out)-1] {
			out = append(out, n)
		}
	}
	return out
}

// A server that is killed in mid-traffic and keeps its streams loses nothing,
// nor does it get anything twice.
func TestStreamOutlivesServer(t *testing.T) {
	s := newServer(t, "appendonly yes", "appendfsync always")
	a := join(t, streamsAt(t, Options{}, s.addr), "aaaaaaaaaaaaaaaa")
	b := join(t, streamsAt(t, Options{}, s.addr), "bbbbbbbbbbbbbbbb")
	n := 1
	for round := range 4 {
		a.burst(n, 500)
		n += 500
		until(t, "some arrive", func() bool { return len(b.numbers(a.id)) > round*700 })
		s.kill()
		a.burst(n, 200)
		n += 200
		s.start()
	}
	want := sequence(1, n-1)
	until(t, "all arrive", func() bool {
		got := b.numbers(a.id)
		return len(got) > 0 && got[len(got)-1] == n-1
	})
	if got := b.numbers(a.id); !slices.Equal(got, want) {
		t.Errorf("%d messages, %d of them new, want %d", len(got), len(dedupe(got)), len(want))
	}
	if st := a.Stats(); st.Dropped["broadcast"] != 0 {
		t.Errorf("%+v", st)
	}
	if v := s.do("XLEN", "socket.io"); v != n-1 {
		t.Errorf("the stream has %v entries, want %d", v, n-1)
	}
}

// A node that was away reads what the stream has kept, once.
func TestStreamIsReadLater(t *testing.T) {
	s := newServer(t)
	r := adaptertest.NewRelay(t, s.addr)
	a := join(t, streamsAt(t, Options{}, s.addr), "aaaaaaaaaaaaaaaa")
	b := join(t, streamsAt(t, Options{}, r.Addr), "bbbbbbbbbbbbbbbb")
	for round := range 5 {
		a.burst(1+round*100, 50)
		r.Cut()
		a.burst(51+round*100, 50)
	}
	b.awaits(a.id, sequence(1, 500))
}

// A stream that is gone, or whose ids begin below where we were, is read from
// where it is now.
func TestStreamStartsAnew(t *testing.T) {
	s := newServer(t)
	a := join(t, streamsAt(t, Options{}, s.addr), "aaaaaaaaaaaaaaaa")
	b := join(t, streamsAt(t, Options{}, s.addr), "bbbbbbbbbbbbbbbb")
	a.burst(1, 3)
	b.awaits(a.id, sequence(1, 3))
	s.do("XADD", "socket.io", "99999999999999-0", "nsp", "/", "uid", "cccccccccccccccc", "type", "5", "data", `{"opts":{"rooms":[],"except":[]},"rooms":["r"]}`)
	until(t, "that from the future arrives", func() bool { return slices.Contains(b.messages(), `leave cccccccccccccccc / names=["r"]`) })
	s.kill()
	until(t, "the loss is told", func() bool { return !a.up() && !b.up() })
	s.start()
	until(t, "all are back", func() bool { return a.up() && b.up() })
	a.burst(4, 3)
	b.awaits(a.id, sequence(1, 6))
}

// The stream is bounded, and its names are Node's.
func TestStreamIsTrimmed(t *testing.T) {
	s := newServer(t, "stream-node-max-entries 10")
	a := join(t, streamsAt(t, Options{Prefix: "p", MaxLen: 100}, s.addr), "aaaaaaaaaaaaaaaa")
	a.burst(1, 1000)
	until(t, "all are sent", func() bool { return a.Stats().Published == 1000 })
	if n, ok := s.do("XLEN", "p").(int); !ok || n < 100 || n > 200 {
		t.Errorf("%v entries", n)
	}
}

// What a server refuses is counted, and the next message tried.
func TestServerRefuses(t *testing.T) {
	s := newServer(t, "maxmemory-policy noeviction")
	a := join(t, streamsAt(t, Options{}, s.addr), "aaaaaaaaaaaaaaaa")
	b := join(t, streamsAt(t, Options{}, s.addr), "bbbbbbbbbbbbbbbb")
	a.burst(1, 2)
	b.awaits(a.id, sequence(1, 2))
	s.do("CONFIG", "SET", "maxmemory", "1")
	a.burst(3, 2)
	until(t, "it is refused", func() bool { return a.Stats().Dropped["broadcast"] == 2 })
	s.do("CONFIG", "SET", "maxmemory", "0")
	a.burst(5, 2)
	b.awaits(a.id, []int{1, 2, 5, 6})
	if !a.up() {
		t.Error("the connection was given up")
	}
}

// A server that has become a replica takes nothing: what it refuses for that is
// sent again when it does, in order.
func TestServerIsNotReady(t *testing.T) {
	s := newServer(t)
	a := join(t, streamsAt(t, Options{}, s.addr), "aaaaaaaaaaaaaaaa")
	b := join(t, streamsAt(t, Options{}, s.addr), "bbbbbbbbbbbbbbbb")
	s.do("REPLICAOF", "127.0.0.1", freePort(t)) // which ends what waits for entries
	until(t, "it is connected again", func() bool { return len(a.history()) >= 3 && a.up() })
	before := len(a.history())
	a.burst(1, 300)
	until(t, "it says so", func() bool { return len(a.history()) > before })
	s.do("REPLICAOF", "NO", "ONE")
	b.awaits(a.id, sequence(1, 300))
	if st := a.Stats(); st.Dropped != nil {
		t.Errorf("%+v", st)
	}
}

// A replica is no master, whatever a Sentinel says that has not heard.
func TestReplicaIsNoMaster(t *testing.T) {
	s := newServer(t)
	o := Options{Sentinel: "mymaster"}
	c, err := o.dial(t.Context(), s.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.close()
	s.do("REPLICAOF", "127.0.0.1", freePort(t))
	if _, err := o.dial(t.Context(), s.addr); !errors.Is(err, errReplica) {
		t.Error(err)
	}
}
