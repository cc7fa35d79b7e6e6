// Command check reads a history as [history.Read] does and prints what in it
// cannot be, a line each; nothing and status 0 if all can.
package main

import (
	"fmt"
	"os"

	"github.com/sockeye-io/sockeye/internal/history"
)

func main() {
	events, rules, err := history.Read(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(2)
	}
	wrong := history.Check(events, rules)
	for _, w := range wrong {
		fmt.Println(w)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
}
