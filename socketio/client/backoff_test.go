package client

import (
	"testing"
	"time"
)

// Pauses grow, by chance a little more or less, up to their bound; without one
// they grow on, and there is always one.
func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		delay, most time.Duration
		attempt     int
		about       time.Duration
	}{
		{0, 0, 1, time.Second},
		{0, 0, 2, 2 * time.Second},
		{0, 0, 3, 4 * time.Second},
		{0, 0, 4, 5 * time.Second},
		{0, 0, 1 << 30, 5 * time.Second},
		{time.Minute, 0, 1, 5 * time.Second},
		{time.Second, -1, 7, 64 * time.Second},
		{-1, 0, 1, time.Millisecond},
	} {
		o := (&Options{ReconnectDelay: c.delay, ReconnectDelayMax: c.most}).resolved()
		for range 20 {
			if d := backoff(&o, c.attempt); d < c.about/2 || d > c.about*3/2 {
				t.Errorf("%+v: %v", c, d)
			}
		}
	}
}
