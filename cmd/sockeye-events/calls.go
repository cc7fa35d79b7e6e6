package main

import (
	"go/ast"
	"go/types"
	"maps"
	"strings"

	"golang.org/x/tools/go/packages"
)

// result is which namespaces the result of a call may be of.
func (f *flow) result(p *packages.Package, call *ast.CallExpr) names {
	tv := p.TypesInfo.Types[call]
	if p.TypesInfo.Types[call.Fun].IsType() && len(call.Args) == 1 {
		return f.eval(p, call.Args[0]) // a conversion
	}
	if tv.Type == nil || !f.carries(tv.Type, 0) {
		return nil
	}
	fn := callee(p, call)
	if name, ok := f.of(p, call, fn); ok {
		return name
	}
	brought := f.brought(p, call)
	fun, ok := fn.(*types.Func)
	if !ok {
		return brought
	}
	if len(brought) == 0 && isLibrary(fun.Pkg()) && f.ofServer(p, call) {
		return names{"/": true} // io.To(room)
	}
	var own names
	if sel, method := f.interfaceMethod(p, call.Fun); method != nil {
		found, _ := f.implementations(p, sel, method)
		for n, in := range found {
			if d, ok := n.(*ast.FuncDecl); ok {
				if impl, ok := in.TypesInfo.Defs[d.Name].(*types.Func); ok {
					own = union(own, f.results[impl])
				}
			}
		}
	} else if _, known := f.src.decls[fun]; !known {
		return brought
	} else {
		own = f.results[fun]
	}
	if both := common(own, brought); len(both) > 0 {
		return both
	}
	if len(own) > 0 {
		return own
	}
	return brought
}

// brought is what a call's receiver and arguments are of.
func (f *flow) brought(p *packages.Package, call *ast.CallExpr) (all names) {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && p.TypesInfo.Selections[sel] != nil {
		all = f.eval(p, sel.X)
	}
	for _, a := range call.Args {
		all = union(all, f.eval(p, a))
	}
	return all
}

// of is the namespace that a call of Server.Of names.
func (f *flow) of(p *packages.Package, call *ast.CallExpr, fn types.Object) (names, bool) {
	fun, ok := fn.(*types.Func)
	if !ok || !isLibrary(fun.Pkg()) || fun.Signature().Recv() == nil || libraryName(fun.Signature().Recv().Type()) != "Server" {
		return nil, false
	}
	switch fun.Name() {
	case "Of", "OfPattern", "OfFunc":
	default:
		return nil, false
	}
	if said, ok := f.src.directive(call.Pos(), "namespace"); ok {
		return named(said), true
	}
	if name, ok := text(p, call.Args[0]); ok && fun.Name() == "Of" {
		return names{"/" + strings.TrimPrefix(name, "/"): true}, true
	}
	f.problems.add(f.src.place(call.Pos()), "the namespace that %s makes is not known before the program runs: say which with //sockeye:namespace /name", fun.Name())
	return nil, true
}

// ofServer reports whether a method is called on a Server, which speaks for "/".
func (f *flow) ofServer(p *packages.Package, call *ast.CallExpr) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && p.TypesInfo.Selections[sel] != nil && libraryName(p.TypesInfo.TypeOf(sel.X)) == "Server"
}

// call gives a call's arguments to the parameters of what it calls.
func (f *flow) call(p *packages.Package, call *ast.CallExpr) {
	if p.TypesInfo.Types[call.Fun].IsType() {
		return
	}
	args := make([]names, len(call.Args))
	for i, a := range call.Args {
		args[i] = f.eval(p, a)
	}
	var receiver names
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		receiver = f.eval(p, sel.X)
	}
	fun, _ := callee(p, call).(*types.Func)
	if sel, method := f.interfaceMethod(p, call.Fun); method != nil {
		found, all := f.implementations(p, sel, method)
		for n, in := range found {
			sig := f.signature(in, n)
			if sig.Recv() != nil {
				f.give(sig.Recv(), receiver)
			}
			f.bind(sig, args, call, p)
		}
		if !all && f.lenient {
			f.lost(p, call)
		}
		return
	}
	if fun == nil || f.src.decls[fun] == nil && !isLibrary(fun.Pkg()) {
		known := f.functions(p, call.Fun)
		for n, in := range known {
			f.bind(f.signature(in, n), args, call, p)
		}
		if fun == nil && len(known) == 0 && f.lenient {
			f.lost(p, call)
		}
	}
	if fun != nil && f.src.decls[fun] != nil {
		sig := fun.Signature()
		if sig.Recv() != nil {
			f.give(sig.Recv(), receiver)
		}
		f.bind(sig, args, call, p)
		return
	}
	// Whoever takes a handler calls it with what is of the same namespace.
	all := f.brought(p, call)
	if len(all) == 0 && fun != nil && isLibrary(fun.Pkg()) && (f.ofServer(p, call) || len(call.Args) > 0 && libraryName(p.TypesInfo.TypeOf(call.Args[0])) == "Server") {
		all = names{"/": true}
	}
	if said, ok := f.src.directive(call.Pos(), "namespace"); ok {
		all = named(said)
	}
	for _, a := range call.Args {
		for n, in := range f.functions(p, a) {
			for v := range f.signature(in, n).Params().Variables() {
				if direct(v.Type()) {
					f.give(v, all)
				}
			}
		}
	}
}

// lost complains about a namespace that goes where it cannot be followed.
func (f *flow) lost(p *packages.Package, call *ast.CallExpr) {
	if _, builtin := callee(p, call).(*types.Builtin); builtin {
		return
	}
	for _, a := range call.Args {
		if libraryName(p.TypesInfo.TypeOf(a)) == "Namespace" {
			if _, ok := f.src.directive(call.Pos(), "ignore"); !ok {
				f.problems.add(f.src.place(call.Pos()), "the namespace goes to a function that is known only when the program runs: say of that function //sockeye:namespace /name, and here //sockeye:ignore")
			}
		}
	}
}

func (f *flow) bind(sig *types.Signature, args []names, call *ast.CallExpr, p *packages.Package) {
	n := sig.Params().Len()
	for i, v := range args {
		if n == 0 {
			return
		}
		param := sig.Params().At(min(i, n-1))
		f.give(param, v)
		f.hold(param, f.functions(p, call.Args[i]))
	}
}

func (f *flow) signature(p *packages.Package, n ast.Node) *types.Signature {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return p.TypesInfo.Defs[n.Name].(*types.Func).Signature()
	case *ast.FuncLit:
		return p.TypesInfo.TypeOf(n).(*types.Signature)
	}
	return types.NewSignatureType(nil, nil, nil, nil, nil, false)
}

// functions are those that an expression's value may be, or what an interface
// may hold.
func (f *flow) functions(p *packages.Package, e ast.Expr) targets {
	t := p.TypesInfo.TypeOf(e)
	if t == nil {
		return nil
	}
	own := f.typeDecl(t)
	if len(own) == 0 {
		found := f.named(p, e)
		if len(found) == 0 && holdsInterface(t) && !f.nothing(p, e) {
			return targets{elsewhere: p}
		}
		return found
	}
	for n, in := range f.named(p, e) {
		own[n] = in
	}
	return own
}

// nothing reports whether an expression is nil, or a variable or literal that
// may yet be given something.
func (f *flow) nothing(p *packages.Package, e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident, *ast.CompositeLit:
		return true
	case *ast.SelectorExpr:
		return f.src.own[p.TypesInfo.ObjectOf(e.Sel).Pkg()] != nil
	case *ast.IndexExpr:
		return f.nothing(p, e.X)
	case *ast.CallExpr:
		switch fn := callee(p, e).(type) {
		case *types.Builtin:
			return true
		case *types.Func:
			return f.src.decls[fn] != nil
		}
	}
	return false
}

// named are the functions and types that the names in an expression stand for.
func (f *flow) named(p *packages.Package, e ast.Expr) targets {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return targets{e: p}
	case *ast.Ident:
		return f.functionOf(p.TypesInfo.ObjectOf(e))
	case *ast.SelectorExpr:
		obj := p.TypesInfo.ObjectOf(e.Sel)
		if sel, method := f.interfaceMethod(p, e); method != nil {
			found, _ := f.implementations(p, sel, method)
			for n, in := range found {
				f.give(f.signature(in, n).Recv(), f.eval(p, e.X))
			}
			return found
		}
		if fn, ok := obj.(*types.Func); ok && fn.Signature().Recv() != nil && f.src.decls[fn.Origin()] != nil {
			f.give(fn.Origin().Signature().Recv(), f.eval(p, e.X)) // a method that goes with its receiver
		}
		return f.functionOf(obj)
	case *ast.IndexExpr:
		return f.functions(p, e.X)
	case *ast.UnaryExpr:
		return f.functions(p, e.X)
	case *ast.StarExpr:
		return f.functions(p, e.X)
	case *ast.SliceExpr:
		return f.functions(p, e.X)
	case *ast.TypeAssertExpr:
		return f.functions(p, e.X)
	case *ast.CallExpr:
		if p.TypesInfo.Types[e.Fun].IsType() && len(e.Args) == 1 {
			return f.functions(p, e.Args[0]) // a conversion
		}
		switch fn := callee(p, e).(type) {
		case *types.Func:
			return f.gives[fn]
		case *types.Builtin:
			all := targets{}
			if fn.Name() == "append" {
				for _, a := range e.Args {
					maps.Copy(all, f.functions(p, a))
				}
			}
			return all
		}
	case *ast.CompositeLit:
		all := targets{}
		for _, x := range e.Elts {
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				x = kv.Value
			}
			for n, in := range f.functions(p, x) {
				all[n] = in
			}
		}
		return all
	}
	return nil
}

func (f *flow) functionOf(o types.Object) targets {
	o = origin(o)
	if fn, ok := o.(*types.Func); ok {
		if d := f.src.decls[fn]; d != nil {
			return targets{d: f.src.where[d]}
		}
	}
	return f.funcs[o]
}

// literal gives a struct literal's values to its fields.
func (f *flow) literal(p *packages.Package, lit *ast.CompositeLit) {
	t := p.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, e := range lit.Elts {
		var field types.Object
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				field = p.TypesInfo.ObjectOf(key)
			}
			e = kv.Value
		} else if i < st.NumFields() {
			field = st.Field(i)
		}
		if field != nil {
			f.give(field, f.eval(p, e))
			f.hold(field, f.functions(p, e))
		}
	}
}
