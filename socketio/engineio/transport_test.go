package engineio

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// A session knows its transports by their interface: their types are named by
// their own files alone, and polling where a session begins.
func TestTransportsAreNamedByTheirFiles(t *testing.T) {
	homes := map[string][]string{
		"wsConn":   {"websocket.go", "wsprobe.go", "wsread.go", "hangup.go"},
		"polling":  {"poll.go", "pollconn.go", "open.go"},
		"pollConn": {"pollconn.go", "passconn.go", "poll.go", "post.go"},
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		if name := f.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			tree, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && homes[id.Name] != nil {
					if seen++; !slices.Contains(homes[id.Name], name) {
						t.Errorf("%s names %s", name, id.Name)
					}
				}
				return true
			})
		}
	}
	if seen == 0 {
		t.Error("nobody names a transport")
	}
}
