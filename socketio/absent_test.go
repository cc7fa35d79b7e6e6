package socketio

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

func network(s string) peers.Key { return peers.KeyOf(netip.MustParsePrefix(s)) }

// TestAbsentsAgreeWithModel compares who may come back, and for which names,
// with a plain list.
func TestAbsentsAgreeWithModel(t *testing.T) {
	type plain struct {
		*absent
		from     string
		underway bool
	}
	const keeps, most = 100 * time.Second, 12
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 3))
		as := newAbsents(keeps, most)
		var list []plain
		now := time.Unix(0, 0)
		gone := map[string]bool{}
		forget := func(name string) { gone[name] = true }
		for step := range 400 {
			now = now.Add(time.Duration(random.IntN(12)) * time.Second)
			as.expire(now, forget)
			clear(gone)
			list = slices.DeleteFunc(list, func(p plain) bool { return !p.underway && now.Sub(p.at) > keeps })
			switch n := random.IntN(4); {
			case n < 2:
				name := fmt.Sprint(seed, " ", step)
				p := plain{from: fmt.Sprintf("192.0.2.%d/32", random.IntN(4)), absent: &absent{key: sha256.Sum256([]byte(name)), sid: name, at: now}}
				for range random.IntN(3) {
					if room := string(rune('a' + random.IntN(5))); !slices.Contains(p.rooms, room) {
						p.rooms = append(p.rooms, room)
					}
				}
				list = append(list, p)
				as.add(p.absent, network(p.from), forget)
				away, by := 0, map[string]int{}
				for _, p := range list {
					if !p.underway {
						away++
						by[p.from]++
					}
				}
				if away > most {
					worst := -1
					for i, p := range list {
						if !p.underway && (worst < 0 || by[p.from] > by[list[worst].from]) {
							worst = i
						}
					}
					list = slices.Delete(list, worst, worst+1)
				}
			case len(list) == 0:
			case n == 2:
				i := random.IntN(len(list))
				got := as.take(list[i].key, now)
				if (got == nil) != list[i].underway {
					t.Fatalf("seed %d step %d: took %v", seed, step, got)
				}
				list[i].underway = true
			default:
				i := random.IntN(len(list))
				as.done(list[i].absent, forget)
				list = slices.Delete(list, i, i+1)
			}
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				want := slices.ContainsFunc(list, func(p plain) bool { return slices.Contains(p.rooms, name) })
				if as.awaits(name) != want || want && gone[name] {
					t.Fatalf("seed %d step %d: awaits %s: %v, gone %v", seed, step, name, as.awaits(name), gone[name])
				}
			}
			if as.any(now) != (len(list) > 0) || as.awaitAny(nil) != (len(list) > 0) || len(as.away) > most {
				t.Fatalf("seed %d step %d: %d of %d", seed, step, len(as.away), len(list))
			}
		}
	}
}

// TestAbsentsAreSharedByAddress: one address cannot push out those who were cut
// off elsewhere.
func TestAbsentsAreSharedByAddress(t *testing.T) {
	as := newAbsents(time.Hour, 10)
	victim := &absent{key: sha256.Sum256([]byte("victim")), sid: "victim"}
	as.add(victim, network("192.0.2.1/32"), func(string) {})
	for i := range 1000 {
		name := fmt.Sprint(i)
		as.add(&absent{key: sha256.Sum256([]byte(name)), sid: name}, network("2001:db8::/64"), func(string) {})
	}
	if len(as.away) != 10 || as.take(victim.key, time.Time{}) != victim {
		t.Error("the victim is not awaited any more")
	}
}
