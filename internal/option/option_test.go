package option

import (
	"math"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	for was, want := range map[time.Duration]time.Duration{0: time.Minute, -1: -1, time.Second: time.Second} {
		if Default(&was, time.Minute); was != want {
			t.Errorf("%v, want %v", was, want)
		}
	}
	for was, want := range map[time.Duration]time.Duration{0: time.Minute, -1: time.Minute, time.Second: time.Second} {
		if Positive(&was, time.Minute); was != want {
			t.Errorf("%v, want %v", was, want)
		}
	}
	for was, want := range map[int]int{0: 7, -1: math.MaxInt, 3: 3} {
		if Bound(&was, 7); was != want {
			t.Errorf("%v, want %v", was, want)
		}
	}
}
