package main

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// Calls through interfaces. Which concrete types an interface value may hold is
// followed as functions are: a type stands among targets as its declaration.
// Where that gets lost, every type of the packages read that has the methods is
// taken for one it may be.

// elsewhere stands among targets for what comes from where nothing is read.
var elsewhere ast.Node = &ast.BadExpr{}

// typeDecl is the declaration of the type that t is, or points to, if it has
// methods and is one of those read.
func (f *flow) typeDecl(t types.Type) targets {
	if t == nil {
		return nil
	}
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	n, ok := t.(*types.Named)
	if !ok || types.IsInterface(n) {
		return nil
	}
	if decl := f.src.types[n.Origin().Obj()]; decl != nil {
		return targets{decl: f.src.own[n.Obj().Pkg()]}
	}
	return nil
}

// holdsInterface reports whether a value of type t may be, or have in it as an
// element, one of an interface with methods.
func holdsInterface(t types.Type) bool {
	for range 8 {
		switch u := t.Underlying().(type) {
		case *types.Interface:
			return u.NumMethods() > 0
		case *types.Slice:
			t = u.Elem()
		case *types.Array:
			t = u.Elem()
		case *types.Map:
			t = u.Elem()
		case *types.Chan:
			t = u.Elem()
		case *types.Pointer:
			t = u.Elem()
		default:
			return false
		}
	}
	return false
}

// interfaceMethod is the method that a selector chooses of an interface of the
// packages read, or of one without a name.
func (f *flow) interfaceMethod(p *packages.Package, e ast.Expr) (*ast.SelectorExpr, *types.Func) {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return nil, nil
	}
	s := p.TypesInfo.Selections[sel]
	if s == nil || s.Kind() != types.MethodVal {
		return nil, nil
	}
	fn, ok := s.Obj().(*types.Func)
	if !ok || !types.IsInterface(fn.Signature().Recv().Type()) || isLibrary(fn.Pkg()) || f.src.own[fn.Pkg()] == nil {
		return nil, nil
	}
	return sel, fn
}

// implementations are the methods that a call of an interface's method may
// reach. all is false if there may be others, in packages that are not read.
func (f *flow) implementations(p *packages.Package, sel *ast.SelectorExpr, method *types.Func) (found targets, all bool) {
	var held targets
	iface, ok := p.TypesInfo.TypeOf(sel.X).Underlying().(*types.Interface)
	if ok {
		held = f.functions(p, sel.X)
	} else { // of an interface embedded in a struct, or of a type parameter
		iface, ok = method.Signature().Recv().Type().Underlying().(*types.Interface)
		held = f.funcs[embedded(p.TypesInfo.Selections[sel])]
	}
	if !ok {
		return nil, false
	}
	_, open := held[elsewhere]
	candidates, all := map[*types.TypeName]*ast.TypeSpec{}, true
	switch {
	case len(held) > 0 && !open:
		for obj, decl := range f.src.types {
			if held[decl] != nil {
				candidates[obj] = decl
			}
		}
	case f.lenient: // what could be followed has been
		candidates, all = f.src.types, !f.src.implementedElsewhere(iface)
	}
	found = targets{}
	for obj := range candidates {
		ptr := types.NewPointer(obj.Type())
		if types.IsInterface(obj.Type()) || !f.implements(obj.Type(), iface) {
			continue
		}
		m, _, _ := types.LookupFieldOrMethod(ptr, true, method.Pkg(), method.Name())
		fn, ok := m.(*types.Func)
		if !ok {
			continue
		}
		decl := f.src.decls[fn.Origin()]
		switch {
		case decl != nil:
			found[decl] = f.src.where[decl]
		case types.IsInterface(fn.Signature().Recv().Type()): // of an interface embedded in it
		default:
			all = false
		}
	}
	return found, all && len(found) > 0
}

// embedded is the field by which a struct has the method of an interface.
func embedded(s *types.Selection) types.Object {
	t, index := s.Recv(), s.Index()
	var field *types.Var
	for _, i := range index[:len(index)-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return nil
		}
		field = st.Field(i)
		t = field.Type()
	}
	if field == nil {
		return nil
	}
	return field.Origin()
}

// implements reports whether t, or a pointer to it, has the methods. Of a generic
// type it looks at their names only.
func (f *flow) implements(t types.Type, iface *types.Interface) bool {
	ptr := types.NewPointer(t)
	if n, ok := t.(*types.Named); !ok || n.TypeParams() == nil {
		return types.Implements(ptr, iface)
	}
	set := types.NewMethodSet(ptr)
	for m := range iface.Methods() {
		if set.Lookup(m.Pkg(), m.Name()) == nil {
			return false
		}
	}
	return true
}

// implementedElsewhere reports whether a package that is imported, but not read,
// has a type with these methods.
func (s *source) implementedElsewhere(iface *types.Interface) bool {
	seen := map[*types.Package]bool{}
	for _, p := range s.pkgs {
		for _, imported := range p.Types.Imports() {
			if seen[imported] || s.own[imported] != nil || isLibrary(imported) {
				continue
			}
			seen[imported] = true
			for _, name := range imported.Scope().Names() {
				obj, ok := imported.Scope().Lookup(name).(*types.TypeName)
				if !ok || obj.IsAlias() || types.IsInterface(obj.Type()) {
					continue
				}
				if n, ok := obj.Type().(*types.Named); ok && n.TypeParams() == nil && types.Implements(types.NewPointer(n), iface) {
					return true
				}
			}
		}
	}
	return false
}
