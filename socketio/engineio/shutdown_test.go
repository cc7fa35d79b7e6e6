package engineio

import (
	"context"
	"testing"
	"time"
)

// A polling client that has gone without a word is not waited for as long as
// the heartbeat would.
func TestShutdownWaitsBrieflyForPollers(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		r.open(4)
		start := time.Now()
		if err := r.srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < time.Second || took > 2*betweenPolls {
			t.Errorf("it took %v", took)
		}
	})
}
