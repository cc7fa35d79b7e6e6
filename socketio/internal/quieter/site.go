package quieter

import (
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Site is where in the code the panic was that a deferred function has just
// recovered from, and who had called that: words of the server's own, unlike
// what was panicked with.
func Site() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	site, panicked := "", false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(f.Function, "runtime."):
			here := path.Base(f.Function) + ":" + strconv.Itoa(f.Line)
			if site != "" {
				return site + " < " + here
			}
			site = here
		}
		if !more {
			return site
		}
	}
}
