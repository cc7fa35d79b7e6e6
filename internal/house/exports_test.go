package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// implied are methods that are called through an interface, so that no file has
// to name them where they are used.
var implied = []string{
	"Accept", "Addr", "As", "Close", "Error", "Is", "LocalAddr", "Log", "MarshalJSON", "Open", "Push", "Pop", "Len", "Less", "Swap", "Read", "ReadByte", "RemoteAddr",
	"Run", "ServeHTTP", "SetDeadline", "SetReadDeadline", "SetWriteDeadline", "String", "UnmarshalJSON", "Unwrap", "WithAttrs", "WithGroup", "Write",
}

// reserve are names that wait for their use, and for which.
var reserve = map[string]string{
	"socketio/internal/waits.Fail":    "a wait for another server ends when that is known to have gone",
	"socketio/internal/cluster.Wants": "backends ask it through adapter.Inbox",
}

// What a package that only we can import exports, somebody else uses: nothing
// is kept that nobody needs, nor shown that only its own package needs.
func TestInternalNamesAreUsed(t *testing.T) {
	type name struct{ dir, name string }
	declared := map[name]string{}     // where
	selected := map[string][]string{} // name → folders that select it
	each(t, func(file string, content []byte) {
		if filepath.Ext(file) != ".go" {
			return
		}
		dir, test := path.Dir(file), strings.HasSuffix(file, "_test.go")
		f, err := parser.ParseFile(token.NewFileSet(), file, content, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && !slices.Contains(selected[sel.Sel.Name], dir) {
				selected[sel.Sel.Name] = append(selected[sel.Sel.Name], dir)
			}
			return true
		})
		if test || !strings.HasPrefix(dir, "socketio/internal/") {
			return
		}
		for _, d := range f.Decls {
			for _, n := range exportedIn(d) {
				declared[name{dir, n}] = file
			}
		}
	})
	if len(declared) < 100 {
		t.Fatalf("only %d names were found", len(declared))
	}
	for n, file := range declared {
		if slices.Contains(implied, n.name) || reserve[n.dir+"."+n.name] != "" {
			continue
		}
		if !slices.ContainsFunc(selected[n.name], func(dir string) bool { return dir != n.dir }) {
			t.Errorf("%s: %s is exported and nobody else uses it: make it unexported, or delete it", file, n.name)
		}
	}
}

// exportedIn lists the functions, methods and variables that a declaration
// exports.
func exportedIn(d ast.Decl) (names []string) {
	add := func(id *ast.Ident) {
		if id.IsExported() {
			names = append(names, id.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		add(d.Name)
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return nil // a set of constants is whole, and a type may be used without its name
		}
		for _, s := range d.Specs {
			for _, id := range s.(*ast.ValueSpec).Names {
				add(id)
			}
		}
	}
	return names
}

// Each package says in its doc.go what it is for.
func TestPackagesHaveADoc(t *testing.T) {
	packages, documented := map[string]bool{}, map[string]bool{}
	each(t, func(file string, content []byte) {
		if filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, content, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name.Name == "main" || strings.Contains(file, "/testdata/") || strings.HasPrefix(file, "compat/") || strings.HasPrefix(file, "bench/") {
			return // commands have their own help, and the others' names are not ours
		}
		dir := path.Dir(file)
		packages[dir] = true
		if path.Base(file) == "doc.go" && strings.HasPrefix(f.Doc.Text(), "Package "+f.Name.Name+" ") {
			documented[dir] = true
		}
	})
	if len(packages) < 30 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	for dir := range packages {
		if !documented[dir] {
			t.Errorf("%s has no doc.go that says what package it is", dir)
		}
	}
}
