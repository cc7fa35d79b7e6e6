package main

import (
	"cmp"
	"go/ast"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

func jsonTag(tag string) string    { return reflect.StructTag(tag).Get("json") }
func bindingTag(tag string) string { return reflect.StructTag(tag).Get("binding") }

// member is a field of a struct with the path that leads to it.
type member struct {
	Field
	path   []int
	tagged bool
}

// members are a struct's on the wire, by the rules of encoding/json, which the
// library's encoder follows: of several with one name the least nested counts,
// among equals the only tagged one, and none if that does not decide.
func (w *wire) members(st *types.Struct, pkg *types.Package) []Field {
	type level struct {
		st       *types.Struct
		path     []int
		optional bool
	}
	var all []member
	visited := []types.Type{st}
	for current := []level{{st, nil, false}}; len(current) > 0; {
		var next []level
		for _, l := range current {
			for i := range l.st.NumFields() {
				m, embedded, ok := w.member(l.st, i, pkg)
				if !ok {
					continue
				}
				m.path = append(slices.Clone(l.path), i)
				m.Optional = m.Optional || l.optional
				if embedded == nil {
					all = append(all, m)
					continue
				}
				if !slices.ContainsFunc(visited, func(t types.Type) bool { return types.Identical(t, embedded) }) {
					visited = append(visited, embedded)
					_, ptr := l.st.Field(i).Type().Underlying().(*types.Pointer)
					next = append(next, level{embedded, m.path, l.optional || ptr})
				}
			}
		}
		current = next
	}
	slices.SortStableFunc(all, func(a, b member) int {
		c := cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(len(a.path), len(b.path)))
		if c == 0 && a.tagged != b.tagged {
			c = 1
			if a.tagged {
				c = -1
			}
		}
		return c
	})
	var out []member
	for i := 0; i < len(all); {
		n := i + 1
		for n < len(all) && all[n].Name == all[i].Name {
			n++
		}
		if n == i+1 || len(all[i].path) < len(all[i+1].path) || all[i].tagged != all[i+1].tagged {
			out = append(out, all[i])
		}
		i = n
	}
	slices.SortFunc(out, func(a, b member) int { return slices.Compare(a.path, b.path) })
	fields := make([]Field, len(out))
	for i, m := range out {
		fields[i] = m.Field
	}
	return fields
}

// member reads one field; embedded is the struct whose fields stand for it.
func (w *wire) member(st *types.Struct, i int, pkg *types.Package) (m member, embedded *types.Struct, ok bool) {
	f := st.Field(i)
	base := types.Unalias(f.Type())
	if p, ok := base.(*types.Pointer); ok {
		base = types.Unalias(p.Elem())
	}
	inner, isStruct := base.Underlying().(*types.Struct)
	if !f.Exported() && !(f.Anonymous() && isStruct) {
		return m, nil, false
	}
	tag := jsonTag(st.Tag(i))
	if tag == "-" {
		return m, nil, false
	}
	name, options, _ := strings.Cut(tag, ",")
	if strings.ContainsAny(name, "\\\"',`") {
		name = ""
	}
	m.Name, m.tagged = name, name != ""
	if name == "" {
		if f.Anonymous() && isStruct {
			return m, inner, true
		}
		m.Name = f.Name()
	}
	if !f.Exported() {
		return m, nil, false
	}
	m.Rules = bindingTag(st.Tag(i))
	m.Type = w.fieldType(f, pkg)
	if d := w.fields[f.Origin()]; d != nil {
		m.Doc = docText(d.Doc, d.Comment)
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			m.omitEmpty(f.Type())
		case "omitzero":
			m.Optional = true
			if m.Type.Nullable {
				m.never()
			}
		case "string":
			if b, ok := base.Underlying().(*types.Basic); ok && b.Info()&(types.IsBoolean|types.IsNumeric|types.IsString) != 0 {
				m.Type = &Type{Kind: Quoted, Nullable: m.Type.Nullable}
			}
		}
	}
	return m, nil, true
}

// omitEmpty makes what can be empty optional, and what is null otherwise never so.
func (m *member) omitEmpty(t types.Type) {
	switch u := t.Underlying().(type) {
	case *types.Struct:
		return
	case *types.Array:
		if u.Len() > 0 {
			return
		}
	}
	m.Optional = true
	if m.Type.Nullable {
		m.never()
	}
}

func (m *member) never() {
	own := *m.Type
	own.Nullable = false
	m.Type = &own
}

func (w *wire) fieldType(f *types.Var, pkg *types.Package) *Type {
	if f.Pkg() != nil && w.src.own[f.Pkg()] != nil {
		pkg = f.Pkg()
	}
	return w.typ(f.Type(), f.Pos(), pkg)
}

func (w *wire) doc(obj types.Object) string {
	spec := w.docs[obj]
	if spec == nil {
		return ""
	}
	var group *ast.CommentGroup
	if g := w.gen[obj]; g != nil && !g.Lparen.IsValid() {
		group = g.Doc
	}
	return docText(spec.Doc, group, spec.Comment)
}

// name is a type's in the description: its own, with those of its arguments, and
// with its package's where two would be alike.
func (w *wire) name(t *types.Named) string {
	name := plainName(t)
	if w.used[name] && t.Obj().Pkg() != nil {
		name = title(t.Obj().Pkg().Name()) + name
	}
	for w.used[name] {
		name += "_"
	}
	w.used[name] = true
	return name
}

func plainName(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		name := title(t.Obj().Name())
		if t.TypeArgs() != nil {
			var args []string
			for a := range t.TypeArgs().Types() {
				args = append(args, plainName(a))
			}
			name += "Of" + strings.Join(args, "And")
		}
		return name
	case *types.Pointer:
		return plainName(t.Elem())
	case *types.Slice:
		return plainName(t.Elem()) + "List"
	case *types.Array:
		return plainName(t.Elem()) + "List"
	case *types.Map:
		return plainName(t.Elem()) + "Map"
	case *types.Basic:
		return title(t.Name())
	}
	return "Any"
}

func title(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// identifier is a name as a variable's in JavaScript.
func identifier(s string) string {
	out := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$' {
			return r
		}
		return '_'
	}, s)
	if out == "" || unicode.IsDigit(rune(out[0])) {
		out = "_" + out
	}
	if strings.ToUpper(out) == out {
		out = strings.ToLower(out)
	}
	r := []rune(out)
	r[0] = unicode.ToLower(r[0])
	if out = string(r); slices.Contains(reserved, out) {
		out += "_"
	}
	return out
}

var reserved = strings.Fields("any arguments await boolean break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null number package private protected public return static string super switch this throw true try typeof undefined var void while with yield")

func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
		return -1
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	}
	return 1
}
