//go:build !race

package mailbox

import "testing"

// TestAllocations: what goes through a box costs no memory. Not under the race
// detector, where sync.Pool forgets at random.
func TestAllocations(t *testing.T) {
	k := &Kind[entry]{Max: 4, MaxBytes: 1 << 20}
	var b Box[entry]
	v := entry{n: 1}
	if n := testing.AllocsPerRun(100, func() {
		b.Put(k, &v, 10)
		b.Put(k, &v, 10)
		for ok := true; ok; {
			ok, _ = b.Next(k, &v)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
