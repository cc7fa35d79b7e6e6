package slow

import (
	"testing"
	"time"
)

func TestStretch(t *testing.T) {
	for env, want := range map[string]time.Duration{"": 1, "1": 1, "3": 3, "0": 1, "-2": 1, "much": 1} {
		t.Setenv("SLOW", env)
		if got := Stretch(time.Second); got != want*time.Second {
			t.Errorf("SLOW=%s: %v", env, got)
		}
	}
}
