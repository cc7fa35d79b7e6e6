package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Kind is what a value is on the wire.
type Kind int

// The kinds. A Ref is a Def by its name.
const (
	Unknown Kind = iota
	Bool
	String
	Int
	Number
	Time
	Binary
	List
	Map
	Object
	Ref
	Enum
	Quoted // a number or bool within a string, as the tag's "string" option asks
)

// Type is a Go type as the library's encoder writes it.
type Type struct {
	Kind     Kind
	Name     string // of a Ref
	Elem     *Type  // of a List or a Map
	Len      int    // of an array, which is a List of so many; -1: a slice
	Fields   []Field
	Values   []any // of an Enum: string or int64
	Nullable bool  // nil is null
	Unsigned bool
}

// Field is a member of an Object.
type Field struct {
	Name, Doc, Rules string
	Type             *Type
	Optional         bool // may be absent
}

// Def is a type with a name.
type Def struct {
	Name, Doc string
	Type      *Type
}

// wire turns Go types into Types.
type wire struct {
	src      *source
	problems problems
	byType   []known
	used     map[string]bool
	docs     map[types.Object]*ast.TypeSpec
	gen      map[types.Object]*ast.GenDecl
	fields   map[types.Object]*ast.Field
}

type known struct {
	t   types.Type
	def *Def
}

func newWire(src *source, p problems) *wire {
	w := &wire{
		src: src, problems: p, used: map[string]bool{"Failure": true, "Binary": true, "Namespaces": true, "SocketData": true},
		docs: map[types.Object]*ast.TypeSpec{}, gen: map[types.Object]*ast.GenDecl{}, fields: map[types.Object]*ast.Field{},
	}
	for _, p := range src.pkgs {
		for _, file := range p.Syntax {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GenDecl:
					for _, s := range n.Specs {
						if s, ok := s.(*ast.TypeSpec); ok {
							w.docs[p.TypesInfo.Defs[s.Name]], w.gen[p.TypesInfo.Defs[s.Name]] = s, n
						}
					}
				case *ast.Field:
					for _, id := range n.Names {
						w.fields[p.TypesInfo.Defs[id]] = n
					}
				}
				return true
			})
		}
	}
	return w
}

func (w *wire) defs() (list []*Def) {
	for _, k := range w.byType {
		list = append(list, k.def)
	}
	slices.SortFunc(list, func(a, b *Def) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (w *wire) complain(pos token.Pos, t types.Type, what string) {
	w.problems.add(w.src.place(pos), "%s %s: say what it looks like there with //sockeye:type T, T being a Go type, above the type or field", types.TypeString(t, short), what)
}

func short(p *types.Package) string { return p.Name() }

// payload is the arguments that an event with a payload of type t has, and
// whether t is the one argument.
func (w *wire) payload(t types.Type, pos token.Pos, pkg *types.Package) (args []Arg, one bool) {
	if libraryName(t) == "None" {
		return nil, false
	}
	if st, ok := t.Underlying().(*types.Struct); ok {
		for f := range st.Fields() {
			if f.Anonymous() && libraryName(f.Type()) == "Positional" {
				return w.positional(st, pkg), false
			}
		}
	}
	return []Arg{{Name: argName(t), Type: w.typ(t, pos, pkg)}}, true
}

func (w *wire) positional(st *types.Struct, pkg *types.Package) []Arg {
	args := []Arg{}
	for i := range st.NumFields() {
		f := st.Field(i)
		if libraryName(f.Type()) == "Positional" || jsonTag(st.Tag(i)) == "-" || !f.Exported() {
			continue
		}
		name, _, _ := strings.Cut(jsonTag(st.Tag(i)), ",")
		if name == "" {
			name = f.Name()
		}
		args = append(args, Arg{Name: identifier(name), Type: w.fieldType(f, pkg), Rules: bindingTag(st.Tag(i))})
	}
	return args
}

// argName is what an argument is called whose type has a name, or has not.
func argName(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return identifier(t.Obj().Name())
	case *types.Pointer:
		return argName(t.Elem())
	case *types.Slice:
		return "list"
	}
	return "value"
}

// typ is a Type for what stands at pos, as directives there have it.
func (w *wire) typ(t types.Type, pos token.Pos, pkg *types.Package) *Type {
	if said, ok := w.src.directive(pos, "type"); ok {
		other, err := w.src.typeOf(pkg, pos, said)
		if err != nil {
			w.problems.add(w.src.place(pos), "//sockeye:type %s: %v", said, err)
			return &Type{}
		}
		t = other
	}
	out := w.plain(t, pos, pkg)
	if _, never := w.src.directive(pos, "nonnull"); never {
		own := *out
		own.Nullable = false
		return &own
	}
	return out
}

func (w *wire) plain(t types.Type, pos token.Pos, pkg *types.Package) *Type {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return w.named(t, pos, pkg)
	case *types.TypeParam:
		w.problems.add(w.src.place(pos), "the payload's type %s is known only where the function is called: use the constant there, or leave it out with //sockeye:ignore", t)
	default:
		return w.structure(t, pos, pkg)
	}
	return &Type{}
}

// structure is a type by how it is made.
func (w *wire) structure(t types.Type, pos token.Pos, pkg *types.Package) *Type {
	switch t := t.Underlying().(type) {
	case *types.Basic:
		switch info := t.Info(); {
		case info&types.IsBoolean != 0:
			return &Type{Kind: Bool}
		case info&types.IsString != 0:
			return &Type{Kind: String}
		case info&types.IsInteger != 0:
			return &Type{Kind: Int, Unsigned: info&types.IsUnsigned != 0}
		case info&types.IsFloat != 0:
			return &Type{Kind: Number}
		case t.Kind() == types.UntypedNil:
			return &Type{Nullable: true}
		}
	case *types.Pointer:
		out := *w.plain(t.Elem(), pos, pkg)
		out.Nullable = true
		return &out
	case *types.Slice:
		if b, ok := t.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.Byte && !w.marshals(t.Elem(), "MarshalJSON") && !w.marshals(t.Elem(), "MarshalText") {
			return &Type{Kind: Binary, Nullable: true}
		}
		return &Type{Kind: List, Len: -1, Nullable: true, Elem: w.plain(t.Elem(), pos, pkg)}
	case *types.Array:
		return &Type{Kind: List, Len: int(t.Len()), Elem: w.plain(t.Elem(), pos, pkg)}
	case *types.Map:
		return &Type{Kind: Map, Nullable: true, Elem: w.plain(t.Elem(), pos, pkg)}
	case *types.Struct:
		return &Type{Kind: Object, Fields: w.members(t, pkg)}
	case *types.Interface:
		return &Type{Kind: Unknown}
	}
	w.complain(pos, t, "cannot be sent")
	return &Type{}
}

// marshals reports whether a value of t, or a pointer to one, has the method.
func (w *wire) marshals(t types.Type, method string) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, method)
	fn, ok := obj.(*types.Func)
	return ok && fn.Signature().Params().Len() == 0 && fn.Signature().Results().Len() == 2
}

func (w *wire) named(t *types.Named, pos token.Pos, pkg *types.Package) *Type {
	obj := t.Obj()
	path := ""
	if obj.Pkg() != nil {
		path = obj.Pkg().Path()
	}
	switch path + "." + obj.Name() {
	case "time.Time":
		return &Type{Kind: Time}
	case "encoding/json.Number":
		return &Type{Kind: Number}
	case "encoding/json.RawMessage":
		return &Type{Kind: Unknown}
	case ".error":
		w.complain(pos, t, "has no form on the wire")
		return &Type{}
	}
	if name := libraryName(t); name == "Raw" || strings.HasSuffix(path, "/internal/wire/value") && obj.Name() == "Raw" {
		return &Type{Kind: Unknown}
	}
	if _, ok := t.Underlying().(*types.Interface); ok {
		return &Type{Kind: Unknown}
	}
	for _, k := range w.byType {
		if types.Identical(k.t, t) {
			return ref(k.def)
		}
	}
	def := &Def{Name: w.name(t), Doc: w.doc(obj)}
	w.byType = append(w.byType, known{t, def})
	def.Type = w.define(t, pos)
	return ref(def)
}

func ref(d *Def) *Type { return &Type{Kind: Ref, Name: d.Name} }

func (w *wire) define(t *types.Named, pos token.Pos) *Type {
	obj, pkg := t.Obj(), t.Obj().Pkg()
	if w.src.own[pkg] != nil {
		pos = obj.Pos()
		if _, settled := w.src.directive(pos, "type"); settled {
			return w.typ(t, pos, pkg)
		}
		if values := w.enumeration(t); values != nil {
			return &Type{Kind: Enum, Values: values}
		}
	}
	switch {
	case w.marshals(t, "MarshalJSON"):
		w.complain(pos, t, "writes itself (MarshalJSON)")
		return &Type{}
	case w.marshals(t, "MarshalText"):
		return &Type{Kind: String}
	}
	out := *w.structure(t, pos, pkg)
	if _, never := w.src.directive(pos, "nonnull"); never {
		out.Nullable = false
	}
	return &out
}

// enumeration lists the constants of a type of strings or whole numbers.
func (w *wire) enumeration(t *types.Named) (values []any) {
	if w.marshals(t, "MarshalJSON") || w.marshals(t, "MarshalText") {
		return nil
	}
	scope := t.Obj().Pkg().Scope()
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok || !types.Identical(c.Type(), t) {
			continue
		}
		switch v := c.Val(); v.Kind() {
		case constant.String:
			values = append(values, constant.StringVal(v))
		case constant.Int:
			if n, exact := constant.Int64Val(v); exact && t.Underlying().(*types.Basic).Info()&types.IsInteger != 0 {
				values = append(values, n)
			}
		}
	}
	slices.SortFunc(values, compareValues)
	return slices.Compact(values)
}
