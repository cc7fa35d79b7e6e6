package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// library is the path of the package whose events are looked for. Copies of it
// under another path, as in vendor folders, have it as their end.
const library = "github.com/sockeye-io/sockeye/socketio"

func isLibrary(pkg *types.Package) bool {
	return pkg != nil && (pkg.Path() == library || strings.HasSuffix(pkg.Path(), "/vendor/"+library))
}

// source is what was read: packages with their syntax and types.
type source struct {
	fset       *token.FileSet
	pkgs       []*packages.Package
	own        map[*types.Package]*packages.Package
	decls      map[*types.Func]*ast.FuncDecl
	where      map[*ast.FuncDecl]*packages.Package
	types      map[*types.TypeName]*ast.TypeSpec // with methods, or that embed some
	directives directives
	module     string
	root       string // problems name files relative to it
}

func load(dir string, patterns []string) (*source, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	cfg := &packages.Config{
		Dir: abs,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedModule |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo,
		Fset: token.NewFileSet(),
	}
	pkgs, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, err
	}
	s := &source{
		fset: cfg.Fset, own: map[*types.Package]*packages.Package{}, decls: map[*types.Func]*ast.FuncDecl{},
		where: map[*ast.FuncDecl]*packages.Package{}, types: map[*types.TypeName]*ast.TypeSpec{}, directives: directives{}, root: abs,
	}
	var bad []error
	for _, p := range pkgs {
		for _, e := range p.Errors {
			bad = append(bad, e)
		}
		if p.Types == nil || p.PkgPath == library || strings.HasPrefix(p.PkgPath, library+"/") {
			continue // the library itself says events of others
		}
		s.add(p)
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("the packages do not compile, so nothing is described: %w", errors.Join(bad...))
	}
	if len(s.pkgs) == 0 {
		return nil, fmt.Errorf("no packages match %s in %s", strings.Join(patterns, " "), dir)
	}
	slices.SortFunc(s.pkgs, func(a, b *packages.Package) int { return strings.Compare(a.PkgPath, b.PkgPath) })
	return s, nil
}

func (s *source) add(p *packages.Package) {
	s.pkgs = append(s.pkgs, p)
	s.own[p.Types] = p
	if s.module == "" {
		s.module = p.PkgPath
		if p.Module != nil {
			s.module = p.Module.Path
		}
	}
	for _, file := range p.Syntax {
		s.directives.read(s.fset, file)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				obj, ok := p.TypesInfo.Defs[spec.Name].(*types.TypeName)
				if ok && !obj.IsAlias() && types.NewMethodSet(types.NewPointer(obj.Type())).Len() > 0 {
					s.types[obj] = spec
				}
			}
			return true
		})
		for _, d := range file.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				if fn, ok := p.TypesInfo.Defs[d.Name].(*types.Func); ok {
					s.decls[fn], s.where[d] = d, p
				}
			}
		}
	}
}

// place names a position as problems and the document do.
func (s *source) place(pos token.Pos) string {
	at := s.fset.Position(pos)
	if rel, err := filepath.Rel(s.root, at.Filename); err == nil && !strings.HasPrefix(rel, "..") {
		at.Filename = filepath.ToSlash(rel)
	}
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

// problems are what could not be told, by place.
type problems map[string]bool

func (p problems) add(place, format string, args ...any) {
	p[place+": "+fmt.Sprintf(format, args...)] = true
}

func (p problems) sorted() []string {
	list := make([]string, 0, len(p))
	for text := range p {
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

func write(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
