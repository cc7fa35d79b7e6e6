package main

import (
	"go/ast"
	"go/constant"
	"go/types"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/types/typeutil"
)

// names are of namespaces.
type names map[string]bool

func (n names) sorted() []string { return slices.Sorted(maps.Keys(n)) }

func union(a, b names) names {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func common(a, b names) names {
	both := names{}
	for n := range a {
		if b[n] {
			both[n] = true
		}
	}
	return both
}

// flow finds out which namespaces a value may be of, by following them from
// Server.Of through variables, parameters, fields and results. It does not
// follow the order of statements. Of a call it knows what its own arguments
// bring, so that a helper used by two namespaces gives each its own back.
type flow struct {
	src      *source
	problems problems
	objs     map[types.Object]names
	results  map[*types.Func]names
	funcs    map[types.Object]targets // functions, and types, that a variable may hold
	gives    map[*types.Func]targets  // those that a function's results may hold
	lenient  bool                     // what is not known of a field or its owner does not narrow the other
	changed  bool
}

// targets are functions, by declaration or literal, and types that an interface
// may hold, by declaration.
type targets map[ast.Node]*packages.Package

func follow(src *source, p problems) *flow {
	f := &flow{src: src, problems: p, objs: map[types.Object]names{}, results: map[*types.Func]names{}, funcs: map[types.Object]targets{}, gives: map[*types.Func]targets{}}
	for _, f.lenient = range []bool{false, true} {
		for f.changed = true; f.changed; {
			f.changed = false
			f.pass()
		}
	}
	return f
}

func (f *flow) pass() {
	for _, p := range f.src.pkgs {
		for _, file := range p.Syntax {
			for _, d := range file.Decls {
				fn, _ := d.(*ast.FuncDecl)
				if fn != nil {
					f.declared(p, fn)
				}
				f.visit(p, d, fn)
			}
		}
	}
}

// declared takes what a directive says of a function's parameters.
func (f *flow) declared(p *packages.Package, d *ast.FuncDecl) {
	text, ok := f.src.directive(d.Pos(), "namespace")
	if !ok {
		return
	}
	fn, ok := p.TypesInfo.Defs[d.Name].(*types.Func)
	if !ok {
		return
	}
	said := named(text)
	sig := fn.Signature()
	for v := range sig.Params().Variables() {
		if direct(v.Type()) {
			f.give(v, said)
		}
	}
	if sig.Recv() != nil {
		f.give(sig.Recv(), said)
	}
}

func named(text string) names {
	n := names{}
	for _, name := range strings.Fields(text) {
		n[name] = true
	}
	return n
}

func (f *flow) visit(p *packages.Package, root ast.Node, in *ast.FuncDecl) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.visit(p, n.Body, nil)
			return false
		case *ast.AssignStmt:
			f.assign(p, n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			lhs := make([]ast.Expr, len(n.Names))
			for i, name := range n.Names {
				lhs[i] = name
			}
			f.assign(p, lhs, n.Values)
		case *ast.RangeStmt:
			v, fns := f.eval(p, n.X), f.functions(p, n.X)
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if e != nil {
					f.store(p, e, v, fns)
				}
			}
		case *ast.ReturnStmt:
			f.returned(p, in, n)
		case *ast.CallExpr:
			f.call(p, n)
		case *ast.CompositeLit:
			f.literal(p, n)
		}
		return true
	})
}

func (f *flow) returned(p *packages.Package, in *ast.FuncDecl, n *ast.ReturnStmt) {
	if in == nil {
		return
	}
	fn, ok := p.TypesInfo.Defs[in.Name].(*types.Func)
	if !ok {
		return
	}
	var all names
	for _, e := range n.Results {
		all = union(all, f.eval(p, e))
	}
	for i, e := range n.Results {
		if len(n.Results) == fn.Signature().Results().Len() && holdsInterface(fn.Signature().Results().At(i).Type()) {
			f.gives[fn] = f.joined(f.gives[fn], f.functions(p, e))
		}
	}
	if len(n.Results) == 0 {
		for v := range fn.Signature().Results().Variables() {
			all = union(all, f.objs[v])
		}
	}
	if len(all) > 0 && !contains(f.results[fn], all) {
		f.results[fn] = union(f.results[fn], all)
		f.changed = true
	}
}

func contains(all, part names) bool {
	for n := range part {
		if !all[n] {
			return false
		}
	}
	return true
}

func (f *flow) assign(p *packages.Package, lhs, rhs []ast.Expr) {
	for i, l := range lhs {
		switch {
		case len(lhs) == len(rhs):
			f.store(p, l, f.eval(p, rhs[i]), f.functions(p, rhs[i]))
		case len(rhs) == 1:
			f.store(p, l, f.eval(p, rhs[0]), f.functions(p, rhs[0]))
		}
	}
}

// store gives what is assigned to e to its variable or field, and to what the
// field is of.
func (f *flow) store(p *packages.Package, e ast.Expr, v names, fns targets) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		f.give(p.TypesInfo.ObjectOf(e), v)
		f.hold(p.TypesInfo.ObjectOf(e), fns)
	case *ast.SelectorExpr:
		obj := p.TypesInfo.ObjectOf(e.Sel)
		f.give(obj, v)
		f.hold(obj, fns)
		f.store(p, e.X, v, nil)
	case *ast.IndexExpr:
		f.store(p, e.X, v, fns)
	case *ast.StarExpr:
		f.store(p, e.X, v, fns)
	}
}

func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Var:
		return o.Origin()
	case *types.Func:
		return o.Origin()
	}
	return o
}

func (f *flow) give(o types.Object, v names) {
	if _, ok := o.(*types.Var); !ok || len(v) == 0 || !f.carries(o.Type(), 0) {
		return
	}
	if o = origin(o); !contains(f.objs[o], v) {
		f.objs[o] = union(f.objs[o], v)
		f.changed = true
	}
}

func (f *flow) hold(o types.Object, fns targets) {
	if o == nil || len(fns) == 0 {
		return
	}
	o = origin(o)
	if !holdsInterface(o.Type()) {
		own := targets{}
		for n, p := range fns {
			if _, isType := n.(*ast.TypeSpec); !isType && n != elsewhere {
				own[n] = p
			}
		}
		fns = own
	}
	if len(fns) > 0 {
		f.funcs[o] = f.joined(f.funcs[o], fns)
	}
}

// joined adds more to all.
func (f *flow) joined(all, more targets) targets {
	for n, p := range more {
		if all == nil {
			all = targets{}
		}
		if _, known := all[n]; !known {
			all[n] = p
			f.changed = true
		}
	}
	return all
}

// direct reports whether t is one of the library's types that are of a
// namespace by themselves.
func direct(t types.Type) bool {
	switch libraryName(t) {
	case "Namespace", "Socket", "Broadcast", "Direct", "Emitter", "Registrar", "RemoteSocket":
		return true
	}
	return false
}

// libraryName is the name of the library's type that t is, or points to.
func libraryName(t types.Type) string {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	if n, ok := t.(*types.Named); ok && isLibrary(n.Obj().Pkg()) {
		return n.Obj().Name()
	}
	return ""
}

// carries reports whether a value of type t may lead to one of a namespace.
func (f *flow) carries(t types.Type, depth int) bool {
	if depth > 8 {
		return false
	}
	if direct(t) {
		return true
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if f.src.own[t.Obj().Pkg()] != nil {
			_, basic := t.Underlying().(*types.Basic)
			return !basic
		}
		_, function := t.Underlying().(*types.Signature)
		return function && t.TypeArgs() != nil // iter.Seq
	case *types.Pointer:
		return f.carries(t.Elem(), depth+1)
	case *types.Slice:
		return f.carries(t.Elem(), depth+1)
	case *types.Array:
		return f.carries(t.Elem(), depth+1)
	case *types.Map:
		return f.carries(t.Elem(), depth+1) || f.carries(t.Key(), depth+1)
	case *types.Chan:
		return f.carries(t.Elem(), depth+1)
	case *types.Struct, *types.Signature, *types.TypeParam:
		return true
	case *types.Tuple:
		for v := range t.Variables() {
			if f.carries(v.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// eval is which namespaces an expression's value may be of.
func (f *flow) eval(p *packages.Package, e ast.Expr) names {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return f.objs[origin(p.TypesInfo.ObjectOf(e))]
	case *ast.SelectorExpr:
		sel := p.TypesInfo.Selections[e]
		if sel == nil {
			return f.objs[origin(p.TypesInfo.ObjectOf(e.Sel))]
		}
		owner := f.eval(p, e.X)
		if sel.Kind() != types.FieldVal {
			return owner
		}
		return f.narrow(f.objs[origin(sel.Obj())], owner, f.carries(sel.Type(), 0))
	case *ast.CallExpr:
		return f.result(p, e)
	case *ast.CompositeLit:
		var all names
		for _, x := range e.Elts {
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				x = kv.Value
			}
			all = union(all, f.eval(p, x))
		}
		return all
	case *ast.UnaryExpr:
		return f.eval(p, e.X)
	case *ast.StarExpr:
		return f.eval(p, e.X)
	case *ast.IndexExpr:
		return f.eval(p, e.X)
	case *ast.SliceExpr:
		return f.eval(p, e.X)
	case *ast.TypeAssertExpr:
		return f.eval(p, e.X)
	}
	return nil
}

// narrow is what a field holds: of all that was ever assigned to it, what its
// owner can have.
func (f *flow) narrow(field, owner names, carries bool) names {
	if !carries {
		return nil
	}
	if len(field) == 0 || len(owner) == 0 {
		if !f.lenient {
			return nil
		}
		return union(field, owner)
	}
	if both := common(field, owner); len(both) > 0 {
		return both
	}
	return field
}

func text(p *packages.Package, e ast.Expr) (string, bool) {
	if v := p.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v), true
	}
	return "", false
}

func callee(p *packages.Package, call *ast.CallExpr) types.Object {
	return origin(typeutil.Callee(p.TypesInfo, call))
}
