package engineio

import (
	"maps"
	"reflect"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/tally/tallytest"
)

// A reason that is added to one list and forgotten in another fails here.
func TestReasonsAreComplete(t *testing.T) {
	srv := New(nil, nil)
	defer srv.Close()
	st := srv.Stats()
	tallytest.Complete(t, "session.go", "Reason", reasons, st.Closed)
	tallytest.Complete(t, "reason.go", "Drop", drops, st.Dropped)
	tallytest.Complete(t, "reason.go", "Bound", bounds, st.Bounds)
	for _, b := range bounds {
		if _, ok := reflect.TypeFor[Options]().FieldByName(string(b[0])); !ok {
			t.Errorf("there is no option %s", b[0])
		}
	}
	codes := map[int]uint64{UnknownTransport: 0, UnknownSID: 0, BadHandshakeMethod: 0, BadRequest: 0, Forbidden: 0, UnsupportedProtocol: 0}
	if !maps.Equal(st.Refused, codes) {
		t.Errorf("a new server counts refusals %v", st.Refused)
	}
	tallytest.Named(t, 10, "bound", "boundLocked")
}

// met is what was counted at all.
func met[K comparable](m map[K]uint64) map[K]uint64 {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(_ K, n uint64) bool { return n == 0 })
	return m
}
