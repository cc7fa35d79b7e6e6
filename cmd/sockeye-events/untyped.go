package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
)

// untyped describes On and Emit with a name, as far as the source tells what
// comes with it.
func (d *describer) untyped(p *packages.Package, call *ast.CallExpr, sel *ast.SelectorExpr, fn *types.Func) {
	if t := p.TypesInfo.TypeOf(sel.X); !direct(t) && libraryName(t) != "Server" {
		return
	}
	at, heard, ack := 0, false, false
	switch fn.Name() {
	case "On", "Once":
		heard = true
	case "Emit":
	case "EmitWithAck":
		at, ack = 1, true
	case "EmitFunc":
		ack = true
	default:
		return
	}
	if len(call.Args) <= at {
		return
	}
	for _, name := range d.names(p, call, call.Args[at]) {
		m := &Message{Name: name, Place: d.src.place(call.Pos()), pkg: p.Types}
		if c := constantOf(p, call.Args[at]); c != nil {
			m.Doc = d.docs[c]
		}
		if constantOf(p, call.Args[at]) == nil {
			m.Doc = d.above(p, call)
		}
		said, settled := d.src.directive(call.Pos(), "payload")
		switch {
		case settled:
			d.settled(p, call, m, said)
		case heard:
			d.scanned(p, m, call.Args[1])
		case fn.Name() == "EmitFunc":
			d.said(p, m, call, 3)
		default:
			d.said(p, m, call, at+1)
		}
		if ack && m.Ack == nil {
			m.Ack = &Answer{Any: true}
		}
		d.put(p, call, sel.X, m, heard)
	}
}

// settled reads a payload directive: types of arguments, "->", type of the answer.
func (d *describer) settled(p *packages.Package, call *ast.CallExpr, m *Message, said string) {
	args, answer, acked := strings.Cut(said, "->")
	read := func(list string) (out []Arg) {
		for _, expr := range split(list) {
			t, err := d.src.typeOf(p.Types, call.Pos(), expr)
			if err != nil {
				d.out.problems.add(m.Place, "//sockeye:payload %s: %v", said, err)
				continue
			}
			out = append(out, d.arg(len(out), nil, t, call.Pos(), p.Types))
		}
		return out
	}
	if args = strings.TrimSpace(args); args == "..." {
		m.Any = true
	} else {
		m.Args = read(args)
	}
	if acked {
		m.Ack = &Answer{Args: read(answer)}
	}
}

// split cuts a list at its commas, but not within brackets.
func split(list string) (out []string) {
	depth, from := 0, 0
	for i, r := range list + "," {
		switch r {
		case '[', '(', '{':
			depth++
		case ']', ')', '}':
			depth--
		case ',':
			if text := strings.TrimSpace(list[from:i]); depth == 0 {
				if text != "" {
					out = append(out, text)
				}
				from = i + 1
			}
		}
	}
	return out
}

// arg describes an argument without a name but that of the variable in it.
func (d *describer) arg(i int, e ast.Expr, t types.Type, pos token.Pos, pkg *types.Package) Arg {
	name := fmt.Sprintf("arg%d", i+1)
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	switch e := e.(type) {
	case *ast.Ident:
		if types.Universe.Lookup(e.Name) == nil {
			name = identifier(e.Name)
		}
	case *ast.SelectorExpr:
		name = identifier(e.Sel.Name)
	}
	return Arg{Name: name, Type: d.typ(t, pos, pkg)}
}

// said takes the types of what Emit is given.
func (d *describer) said(p *packages.Package, m *Message, call *ast.CallExpr, from int) {
	if call.Ellipsis.IsValid() {
		m.Any = true
		return
	}
	for _, e := range call.Args[min(from, len(call.Args)):] {
		m.Args = append(m.Args, d.arg(len(m.Args), e, types.Default(p.TypesInfo.TypeOf(e)), call.Pos(), p.Types))
	}
}

// scanned takes what a handler's Scan says comes with its event, and what its
// Acks answer.
func (d *describer) scanned(p *packages.Package, m *Message, handler ast.Expr) {
	var scans, acks [][]Arg
	asks := false
	for n, in := range d.flow.functions(p, handler) {
		ast.Inspect(n, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
			if !ok || libraryName(in.TypesInfo.TypeOf(sel.X)) != "Request" {
				return true
			}
			var args []Arg
			for i, e := range call.Args {
				t := types.Default(in.TypesInfo.TypeOf(e))
				if ptr, ok := t.Underlying().(*types.Pointer); ok && sel.Sel.Name == "Scan" {
					t = ptr.Elem()
				}
				if sel.Sel.Name == "Scan" || sel.Sel.Name == "Ack" {
					args = append(args, d.arg(i, e, t, e.Pos(), in.Types))
				}
			}
			switch sel.Sel.Name {
			case "Scan":
				scans = append(scans, args)
			case "Ack":
				if call.Ellipsis.IsValid() {
					args = []Arg{{Name: "answers", Type: &Type{Kind: Unknown}}}
				}
				acks = append(acks, args)
			case "WantsAck":
				asks = true
			}
			return true
		})
	}
	if len(scans) == 1 {
		m.Args = scans[0]
	} else {
		m.Any = true // it may look at each argument by itself, or at none
	}
	if len(acks) == 0 {
		return
	}
	m.Ack = &Answer{Args: acks[0], Optional: asks}
	form := (&Message{Args: acks[0]}).form()
	for _, a := range acks {
		if (&Message{Args: a}).form() != form {
			m.Ack.Args, m.Ack.Any = nil, true
		}
	}
	if strings.Contains(form, "unknown") {
		m.Ack.Args, m.Ack.Any = nil, true
	}
}
