package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// A directive is a comment that says what cannot be read otherwise:
//
//	//sockeye:namespace /a /b   of a function, or of what stands on or below the line
//	//sockeye:name say hello    the event's name, where it is made at run time; several separated by commas
//	//sockeye:payload T, U -> R what comes with an event without a type, and its answer
//	//sockeye:type T            what a type or field looks like on the wire
//	//sockeye:nonnull           a list or map that is never nil, and so never null
//	//sockeye:ignore            not part of the description
const prefix = "//sockeye:"

// directives are by file and the line they are about: their own, and the one
// below the comment they stand in.
type directives map[string]map[int][]string

func (d directives) read(fset *token.FileSet, file *ast.File) {
	name := fset.Position(file.Pos()).Filename
	code := map[int]bool{} // lines with code in them
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.CommentGroup, *ast.Comment:
			return false
		}
		code[fset.Position(n.Pos()).Line], code[fset.Position(n.End()).Line] = true, true
		return true
	})
	for _, group := range file.Comments {
		for _, c := range group.List {
			text, ok := strings.CutPrefix(c.Text, prefix)
			if !ok {
				continue
			}
			if d[name] == nil {
				d[name] = map[int][]string{}
			}
			own, below := fset.Position(c.Pos()).Line, fset.Position(group.End()).Line+1
			d[name][own] = append(d[name][own], text)
			if !code[own] {
				d[name][below] = append(d[name][below], text)
			}
		}
	}
}

// find returns what the directive of that name says about the line of pos.
func (d directives) find(fset *token.FileSet, pos token.Pos, name string) (text string, ok bool) {
	at := fset.Position(pos)
	for _, text := range d[at.Filename][at.Line] {
		word, rest, _ := strings.Cut(text, " ")
		if word == name {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

func (s *source) directive(pos token.Pos, name string) (string, bool) {
	return s.directives.find(s.fset, pos, name)
}

// typeOf reads a Go type as it would be understood at pos.
func (s *source) typeOf(pkg *types.Package, pos token.Pos, expr string) (types.Type, error) {
	tv, err := types.Eval(s.fset, pkg, pos, expr)
	if err != nil {
		return nil, err
	}
	if !tv.IsType() {
		return nil, types.Error{Fset: s.fset, Pos: pos, Msg: expr + " is not a type"}
	}
	return tv.Type, nil
}

// docText is a comment without its directives.
func docText(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if g == nil {
			continue
		}
		if text := strings.TrimSpace(g.Text()); text != "" { // Text leaves directives out
			return text
		}
	}
	return ""
}
