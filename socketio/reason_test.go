package socketio

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// constants are the values of the constants of one type that a file declares.
func constants(t *testing.T, file, typ string) (values []string) {
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

// complete checks that a list has exactly the constants, each with a sentence,
// and that a new server counts each of them from zero.
func complete[K ~string](t *testing.T, typ string, list tally.List[K], counted map[K]uint64) {
	t.Helper()
	var names []string
	for _, r := range list {
		if text := list.Text(r[0]); !strings.HasSuffix(text, ".") || len(text) < 20 || slices.Contains(names, string(r[0])) {
			t.Errorf("%s %q, %q", typ, r[0], text)
		}
		names = append(names, string(r[0]))
	}
	declared := constants(t, "reason.go", typ)
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

// A reason that is added to one list and forgotten in another fails here.
func TestReasonsAreComplete(t *testing.T) {
	srv := New(nil)
	defer srv.Close()
	st := srv.Stats()
	complete(t, "DisconnectReason", disconnectReasons, st.Disconnected)
	complete(t, "Drop", drops, st.Dropped)
	complete(t, "Ignore", ignores, st.Ignored)
	complete(t, "Bound", bounds, st.Bounds)
	engine := constants(t, "engineio/session.go", "Reason")
	for _, r := range engine {
		if !disconnectReasons.Has(DisconnectReason(r)) {
			t.Errorf("the engine's reason %q is none of a socket's", r)
		}
	}
	if len(engine) < 7 {
		t.Errorf("the engine's reasons are %q", engine)
	}
	if got := reasonOf("something else"); got != ForcedServerClose {
		t.Errorf("an unknown reason is %q", got)
	}
	for _, b := range bounds {
		_, inLimits := reflect.TypeFor[Limits]().FieldByName(string(b[0]))
		_, inOptions := reflect.TypeFor[Options]().FieldByName(string(b[0]))
		if !inLimits && !inOptions {
			t.Errorf("there is no option %s", b[0])
		}
	}
}

// Nothing is counted by a word that is not one of the constants.
func TestReasonsAreNamed(t *testing.T) {
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
			if !ok || !slices.Contains([]string{"bound", "traceBound", "ignored", "disconnect"}, sel.Sel.Name) {
				return true
			}
			calls++
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				t.Errorf("%s: %s(%s)", file, sel.Sel.Name, lit.Value)
			}
			return true
		})
	}
	if calls < 15 {
		t.Errorf("%d calls were found", calls)
	}
}
