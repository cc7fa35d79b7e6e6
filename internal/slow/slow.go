package slow

import (
	"os"
	"strconv"
	"time"
)

// Stretch is d as long as it may take here and now: SLOW times, if that is set
// to a number. scripts/test has it measured (scripts/slow). It is for deadlines
// of what must happen, never for what is measured.
func Stretch(d time.Duration) time.Duration {
	if n, err := strconv.Atoi(os.Getenv("SLOW")); err == nil && n > 1 {
		d *= time.Duration(n)
	}
	return d
}
