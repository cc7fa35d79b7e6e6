package tallytest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// Constants are the values of the constants of one type that a file declares.
func Constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typ {
			for _, v := range spec.Values {
				text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, text)
			}
		}
		return true
	})
	return values
}

// Complete checks that a list has exactly the constants of a type that a file
// declares, each with a sentence, and that what counts them has each, at zero.
func Complete[K ~string](t *testing.T, file, typ string, list tally.List[K], counted map[K]uint64) {
	t.Helper()
	var names []string
	for _, r := range list {
		if text := list.Text(r[0]); !strings.HasSuffix(text, ".") || len(text) < 20 || slices.Contains(names, string(r[0])) {
			t.Errorf("%s %q, %q", typ, r[0], text)
		}
		names = append(names, string(r[0]))
	}
	declared := Constants(t, file, typ)
	slices.Sort(names)
	slices.Sort(declared)
	if !slices.Equal(names, declared) || len(names) == 0 {
		t.Errorf("%s: declared are %q, listed %q", typ, declared, names)
	}
	if len(counted) != len(names) {
		t.Errorf("%s: a new server counts %v", typ, counted)
	}
	for name, n := range counted {
		if n != 0 || !list.Has(name) {
			t.Errorf("%s: a new server has counted %q %d times", typ, name, n)
		}
	}
}

// Named checks that the functions that count, which are called at least so often
// in the package under test, are given no word that is not a constant.
func Named(t *testing.T, least int, functions ...string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(functions, sel.Sel.Name) {
				return true
			}
			calls++
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				t.Errorf("%s: %s(%s)", file, sel.Sel.Name, lit.Value)
			}
			return true
		})
	}
	if calls < least {
		t.Errorf("%d calls were found", calls)
	}
}
