package main

import (
	"cmp"
	"go/ast"
	"go/constant"
	"go/types"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Description is what a program hears and says, by namespace.
type Description struct {
	Title, Version, URL string
	Namespaces          []*Namespace
	Defs                []*Def // types with a name, by name
	Keys                []*Key

	problems problems
}

// Namespace is what is heard and said in one.
type Namespace struct {
	Name        string
	Heard, Said []*Message
}

// Message is an event in one direction.
type Message struct {
	Name, Doc string
	Args      []Arg // nil with Any
	Any       bool  // whatever arguments
	One       bool  // the one argument is the payload, as of an Event[T]
	Ack       *Answer
	Place     string // where it is heard or said first
	Const     string // the constant's name

	pkg *types.Package
}

// Arg is an argument of an event.
type Arg struct {
	Name  string
	Type  *Type
	Rules string
}

// Answer is an acknowledgement.
type Answer struct {
	Args     []Arg
	Any      bool
	Fails    bool // a Call's: it may be {"error":…} instead
	Optional bool
}

// Key is a value kept on sockets.
type Key struct {
	Name, Doc, Const string
	Type             *Type
}

// describer gathers a Description.
type describer struct {
	*wire
	src  *source
	flow *flow
	docs map[types.Object]string
	in   map[string]*Namespace
	out  *Description
	used map[types.Object]bool
}

func describe(src *source) *Description {
	d := &describer{
		src: src, docs: map[types.Object]string{}, in: map[string]*Namespace{},
		out: &Description{problems: problems{}}, used: map[types.Object]bool{},
	}
	d.wire = newWire(src, d.out.problems)
	d.flow = follow(src, d.out.problems)
	d.constants()
	for _, p := range src.pkgs {
		for _, file := range p.Syntax {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					d.event(p, call)
				}
				return true
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.in)) {
		ns := d.in[name]
		for _, list := range [][]*Message{ns.Heard, ns.Said} {
			slices.SortStableFunc(list, func(a, b *Message) int { return strings.Compare(a.Name, b.Name) })
		}
		d.out.Namespaces = append(d.out.Namespaces, ns)
	}
	d.out.Defs = d.wire.defs()
	slices.SortFunc(d.out.Keys, func(a, b *Key) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Const, b.Const)) })
	return d.out
}

// generic is the name and the type arguments of one of the library's generic
// types.
func generic(t types.Type) (name string, args []types.Type) {
	if t == nil {
		return "", nil
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || !isLibrary(n.Obj().Pkg()) || n.TypeArgs() == nil {
		return "", nil
	}
	return n.Obj().Name(), slices.Collect(n.TypeArgs().Types())
}

// constants notes the comments of events' constants, and the keys.
func (d *describer) constants() {
	for _, p := range d.src.pkgs {
		for _, file := range p.Syntax {
			for _, decl := range file.Decls {
				g, ok := decl.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range g.Specs {
					v, ok := spec.(*ast.ValueSpec)
					if !ok {
						continue
					}
					doc := docText(v.Doc, v.Comment)
					if doc == "" && !g.Lparen.IsValid() {
						doc = docText(g.Doc)
					}
					for _, id := range v.Names {
						d.constant(p, id, doc)
					}
				}
			}
		}
	}
}

func (d *describer) constant(p *packages.Package, id *ast.Ident, doc string) {
	c, ok := p.TypesInfo.Defs[id].(*types.Const)
	if !ok {
		return
	}
	d.docs[c] = doc
	kind, args := generic(c.Type())
	if kind == "Key" && c.Exported() {
		d.out.Keys = append(d.out.Keys, &Key{Name: constText(c), Doc: doc, Const: c.Name(), Type: d.typ(args[0], c.Pos(), p.Types)})
	}
}

// event looks whether a call hears or says an event.
func (d *describer) event(p *packages.Package, call *ast.CallExpr) {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || p.TypesInfo.Selections[sel] == nil {
		return
	}
	if _, ignore := d.src.directive(call.Pos(), "ignore"); ignore {
		return
	}
	kind, args := generic(p.TypesInfo.TypeOf(sel.X))
	switch kind {
	case "Event", "Call":
		d.typed(p, call, sel, kind, args)
	case "":
		fn, _ := callee(p, call).(*types.Func)
		if fn != nil && isLibrary(fn.Pkg()) {
			d.untyped(p, call, sel, fn)
		}
	}
}

func (d *describer) typed(p *packages.Package, call *ast.CallExpr, sel *ast.SelectorExpr, kind string, args []types.Type) {
	at := 0
	heard := false
	switch sel.Sel.Name {
	case "On", "Once":
		heard = true
	case "Emit":
	case "EmitWithAck", "Collect":
		at = 1
	default:
		return
	}
	if len(call.Args) <= at {
		return
	}
	target := call.Args[at]
	if !heard && sel.Sel.Name == "Emit" && !d.server(p, target) {
		return
	}
	for _, name := range d.names(p, call, sel.X) {
		m := &Message{Name: name, Place: d.src.place(call.Pos()), One: true, pkg: p.Types}
		c := constantOf(p, sel.X)
		if c != nil {
			m.Doc, m.Const = d.docs[c], c.Name()
			d.used[c] = true
		}
		if c == nil {
			m.Doc = d.above(p, call)
		}
		pos := call.Pos()
		if c != nil && d.src.own[c.Pkg()] != nil {
			pos = c.Pos()
		}
		m.Args, m.One = d.payload(args[0], pos, p.Types)
		if kind == "Call" {
			m.Ack = &Answer{Fails: true}
			if libraryName(args[1]) != "None" {
				// The answer is one argument, be it Positional or not.
				m.Ack.Args = []Arg{{Name: "answer", Type: d.typ(args[1], pos, p.Types)}}
			}
		}
		d.put(p, call, target, m, heard)
	}
}

// server reports whether what is emitted to is the server's side: one of the
// library's types, and no client that implements Emitter.
func (d *describer) server(p *packages.Package, target ast.Expr) bool {
	t := p.TypesInfo.TypeOf(target)
	return direct(t) || libraryName(t) == "Server"
}

func constantOf(p *packages.Package, e ast.Expr) *types.Const {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		c, _ := p.TypesInfo.ObjectOf(e).(*types.Const)
		return c
	case *ast.SelectorExpr:
		c, _ := p.TypesInfo.ObjectOf(e.Sel).(*types.Const)
		return c
	}
	return nil
}

// names are those that an event can have.
func (d *describer) names(p *packages.Package, call *ast.CallExpr, e ast.Expr) []string {
	if said, ok := d.src.directive(call.Pos(), "name"); ok {
		var list []string
		for name := range strings.SplitSeq(said, ",") {
			list = append(list, strings.TrimSpace(name))
		}
		return list
	}
	if name, ok := text(p, e); ok {
		return []string{name}
	}
	d.out.problems.add(d.src.place(call.Pos()), "the event's name is made when the program runs: say which it can be with //sockeye:name NAME, or leave it out with //sockeye:ignore")
	return nil
}

// above is the comment right above a statement.
func (d *describer) above(p *packages.Package, n ast.Node) string {
	at := d.src.fset.Position(n.Pos())
	for _, file := range p.Syntax {
		if d.src.fset.Position(file.Pos()).Filename != at.Filename {
			continue
		}
		for _, g := range file.Comments {
			if end := d.src.fset.Position(g.End()); end.Line == at.Line-1 {
				return docText(g)
			}
		}
	}
	return ""
}

// put adds a message to the namespaces that its target may be of.
func (d *describer) put(p *packages.Package, call *ast.CallExpr, target ast.Expr, m *Message, heard bool) {
	of := d.flow.eval(p, target)
	if said, ok := d.src.directive(call.Pos(), "namespace"); ok {
		of = named(said)
	} else if libraryName(p.TypesInfo.TypeOf(target)) == "Server" {
		of = names{"/": true}
	}
	if len(of) == 0 {
		what := "said to"
		if heard {
			what = "heard in"
		}
		d.out.problems.add(m.Place, "%q is %s a namespace that cannot be told from the source: say which with //sockeye:namespace /name, here or above the function", m.Name, what)
		return
	}
	for _, name := range of.sorted() {
		ns := d.in[name]
		if ns == nil {
			ns = &Namespace{Name: name}
			d.in[name] = ns
		}
		list := &ns.Said
		if heard {
			list = &ns.Heard
		}
		d.merge(ns, list, m)
	}
}

// merge adds m, or holds it against what is known of that event.
func (d *describer) merge(ns *Namespace, list *[]*Message, m *Message) {
	for i, old := range *list {
		if old.Name != m.Name {
			continue
		}
		switch {
		case m.Any || m.same(old):
		case old.Any:
			(*list)[i] = m
		default:
			// The typed one is what both ends know; else the first.
			known, odd := old, m
			if m.Const != "" && old.Const == "" {
				known, odd = m, old
				(*list)[i] = m
			}
			d.out.problems.add(odd.Place, "%q comes with (%s) in %s, but with (%s) at %s: use one constant for both, or another name",
				m.Name, odd.form(), ns.Name, known.form(), known.Place)
		}
		if (*list)[i].Doc == "" {
			(*list)[i].Doc = cmp.Or(m.Doc, old.Doc)
		}
		return
	}
	own := *m
	*list = append(*list, &own)
}

// form is what comes with a message, for complaints.
func (m *Message) form() string {
	if m.Any {
		return "…"
	}
	var list []string
	for _, a := range m.Args {
		list = append(list, tsType(a.Type))
	}
	text := strings.Join(list, ", ")
	if m.Ack != nil {
		text += " -> "
		for i, a := range m.Ack.Args {
			if i > 0 {
				text += ", "
			}
			text += tsType(a.Type)
		}
	}
	return text
}

func (m *Message) same(o *Message) bool {
	// Whether an acknowledgement is wanted depends on how it is said.
	if m.Ack == nil || o.Ack == nil || m.Ack.Any || o.Ack.Any {
		a, b := *m, *o
		a.Ack, b.Ack = nil, nil
		return a.form() == b.form() && (m.Ack == nil) == (o.Ack == nil)
	}
	return m.form() == o.form()
}
func constText(c *types.Const) string { return constant.StringVal(c.Val()) }
