package socketio

import (
	"reflect"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/tally/tallytest"
)

// A reason that is added to one list and forgotten in another fails here.
func TestReasonsAreComplete(t *testing.T) {
	srv := New(nil)
	defer srv.Close()
	st := srv.Stats()
	tallytest.Complete(t, "reason.go", "DisconnectReason", disconnectReasons, st.Disconnected)
	tallytest.Complete(t, "reason.go", "Drop", drops, st.Dropped)
	tallytest.Complete(t, "reason.go", "Ignore", ignores, st.Ignored)
	tallytest.Complete(t, "reason.go", "Bound", bounds, st.Bounds)
	engine := tallytest.Constants(t, "engineio/session.go", "Reason")
	for _, r := range engine {
		if !disconnectReasons.Has(DisconnectReason(r)) {
			t.Errorf("the engine's reason %q is none of a socket's", r)
		}
	}
	if len(engine) < 7 {
		t.Errorf("the engine's reasons are %q", engine)
	}
	if got := reasonOf("something else"); got != ForcedServerClose {
		t.Errorf("an unknown reason is %q", got)
	}
	for _, b := range bounds {
		_, inLimits := reflect.TypeFor[Limits]().FieldByName(string(b[0]))
		_, inOptions := reflect.TypeFor[Options]().FieldByName(string(b[0]))
		if !inLimits && !inOptions {
			t.Errorf("there is no option %s", b[0])
		}
	}
}

// Nothing is counted by a word that is not one of the constants.
func TestReasonsAreNamed(t *testing.T) {
	tallytest.Named(t, 15, "bound", "traceBound", "ignored", "disconnect")
}
