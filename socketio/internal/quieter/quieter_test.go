package quieter

import (
	"testing"
	"testing/synctest"
	"time"
)

// What clients can cause as often as they like does not fill the log.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Lines
		lines, told := 0, 0
		for range 5000 {
			for _, kind := range []string{"a", "b"} {
				if skipped, ok := q.Allow(kind); ok {
					lines++
					told += 1 + skipped
				}
			}
			time.Sleep(time.Millisecond)
		}
		if lines != 10 || told < 8000 {
			t.Errorf("%d lines tell of %d", lines, told)
		}
	})
}
