package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every Go name in the table of Node's API exists, in the file that its link
// names.
func TestNodeTableNamesExist(t *testing.T) {
	dir := root(t)
	text, err := os.ReadFile(filepath.Join(dir, "docs", "node-to-sockeye.md"))
	if err != nil {
		t.Fatal(err)
	}
	entries := regexp.MustCompile("\\[`([A-Za-z.]+)`\\]\\(([^)]+)\\)").FindAllStringSubmatch(string(text), -1)
	if len(entries) < 100 {
		t.Fatalf("found %d names only: has the table's form changed?", len(entries))
	}
	in := make(map[string]map[string]bool)
	for _, e := range entries {
		name, link := e[1], filepath.Join(dir, "docs", e[2])
		if in[link] == nil {
			in[link] = declared(t, link)
		}
		for _, pkg := range []string{"engineio.", "siowire.", "ginio."} {
			name = strings.TrimPrefix(name, pkg)
		}
		if !in[link][name] {
			t.Errorf("%s: %s does not declare it", e[1], e[2])
		}
	}
}

// declared lists what a file declares: names, Type.Method and Type.Field.
func declared(t *testing.T, file string) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names[d.Name.Name] = true
			} else {
				names[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				addSpec(names, spec)
			}
		}
	}
	return names
}

func addSpec(names map[string]bool, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[spec.Name.Name] = true
		var fields *ast.FieldList
		switch typ := spec.Type.(type) {
		case *ast.StructType:
			fields = typ.Fields
		case *ast.InterfaceType:
			fields = typ.Methods
		default:
			return
		}
		for _, f := range fields.List {
			for _, n := range f.Names {
				names[spec.Name.Name+"."+n.Name] = true
			}
		}
	}
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
