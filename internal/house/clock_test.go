package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wallClock lists the files of the library that may look at the wall clock, and
// why. None of it decides when something happens.
var wallClock = map[string]string{
	"socketio/clusterview.go":                  "when a session was opened, for other nodes",
	"socketio/internal/cluster/numbers.go":     "where numbers begin: above those of before",
	"socketio/internal/forward/sign.go":        "when another node, with a clock of its own, has signed something",
	"socketio/internal/httpconn/fields.go":     "the Date header of answers",
	"socketio/engineio/handshake.go":           "when a session was opened, for the application",
	"socketio/handshake.go":                    "the same, as official servers tell it",
	"socketio/internal/netpoll/epoll_linux.go": "a deadline that has passed",
	"socketio/internal/wire/value/msgpack.go":  "times in messages",
	"socketio/internal/wire/value/sink.go":     "times in messages",
}

// What makes a time without its monotonic reading, or of a number, or a number
// of it.
var (
	strips = []string{"Unix", "UnixNano", "UnixMilli", "UnixMicro", "Round", "Truncate", "UTC", "AddDate"}
	makes  = []string{"Unix", "UnixMilli", "UnixMicro", "Date", "Parse", "ParseInLocation"}
)

// A clock that is set, or that jumps, changes nothing: deadlines, heartbeats,
// rates and windows are measured with times that carry Go's monotonic reading.
// Whoever takes that off, or makes a time of a number, is on the list above.
func TestOnlyMonotonicTime(t *testing.T) {
	seen := map[string]bool{}
	each(t, func(path string, content []byte) {
		if !strings.HasPrefix(path, "socketio/") || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, use := range wallUses(t, path, content) {
			seen[path] = true
			if wallClock[path] == "" {
				t.Errorf("%s uses %s: keep the monotonic reading, or say in this test why not", path, use)
			}
		}
	})
	for path := range wallClock {
		if !seen[path] {
			t.Errorf("%s has no need to be on the list any more", path)
		}
	}
}

// wallUses lists the calls of a file that look at the wall clock.
func wallUses(t *testing.T, path string, content []byte) (uses []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, content, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"time"` }) {
		// Only a file that names a time's type can have one under another name.
		return nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name := sel.Sel.Name
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
			if slices.Contains(makes, name) {
				uses = append(uses, "time."+name)
			}
		} else if slices.Contains(strips, name) {
			uses = append(uses, "a method "+name)
		}
		return true
	})
	return uses
}

// The search must find what it looks for.
func TestWallUses(t *testing.T) {
	for code, want := range map[string]int{
		`time.Now().Round(0)`: 1, `time.Now().Unix()`: 1, `time.Unix(1, 0)`: 1, `time.Now().UTC().UnixMilli()`: 2,
		`time.Since(time.Now())`: 0, `time.Now().Add(time.Second)`: 0, `time.Now().Sub(time.Time{}).Seconds()`: 0,
	} {
		src := "package p\n\nimport \"time\"\n\nvar x = " + code + "\n"
		if got := wallUses(t, "p.go", []byte(src)); len(got) != want {
			t.Errorf("%s: %q, want %d", code, got, want)
		}
	}
}
