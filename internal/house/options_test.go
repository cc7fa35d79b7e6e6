package house

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// option is a field of an options struct: its default, if the code gives it one
// in a way that can be read here.
type option struct {
	has   bool
	value constant.Value // of a duration in nanoseconds; nil if it is only a name
	name  string         // such as SameOrigin
}

// optionFiles says where the options of docs/threats.md are declared: by the
// beginning of their name, the file and its struct.
var optionFiles = []struct{ prefix, file, typ string }{
	{"Limits.Packets.", "socketio/internal/wire/siowire/parser.go", "Limits"},
	{"Limits.", "socketio/options.go", "Limits"},
	{"Recovery.", "socketio/options.go", "Recovery"},
	{"ClusterOptions.", "socketio/cluster.go", "ClusterOptions"},
	{"Engine.", "socketio/engineio/options.go", "Options"},
	{"", "socketio/options.go", "Options"},
}

// readOptions finds all options, by the name that documents use.
func readOptions(repo fs.FS) (map[string]option, error) {
	all := make(map[string]option)
	for _, f := range optionFiles {
		text, err := fs.ReadFile(repo, f.file)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.file, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		defaults := defaultsIn(file)
		names := make(map[string]bool)
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, spec := range g.Specs {
					addSpec(names, spec)
				}
			}
		}
		for name := range names {
			if field, ok := strings.CutPrefix(name, f.typ+"."); ok {
				all[f.prefix+field] = defaults[field]
			}
		}
	}
	return all, nil
}

// defaultsIn reads the calls that set defaults, option.Default(&o.X, v),
// option.Bound(&o.X, v) and limit(l.X, v), and assignments to o.X of a name.
func defaultsIn(file *ast.File) map[string]option {
	found := make(map[string]option)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if len(n.Args) != 2 {
				return true
			}
			switch name(n.Fun) {
			case "Default", "Positive", "Bound", "limit":
				if field := name(n.Args[0]); field != "" {
					if v := eval(n.Args[1]); v != nil {
						found[field] = option{has: true, value: v}
					}
				}
			}
		case *ast.AssignStmt:
			if len(n.Lhs) == 1 && len(n.Rhs) == 1 {
				to, ok := n.Lhs[0].(*ast.SelectorExpr)
				from, named := n.Rhs[0].(*ast.Ident)
				if ok && named && ast.IsExported(from.Name) {
					found[to.Sel.Name] = option{has: true, name: from.Name}
				}
			}
		}
		return true
	})
	return found
}

// name is the last part of what an expression names.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.UnaryExpr:
		return name(e.X)
	}
	return ""
}

// eval computes what stands for a number; nil if it is none.
func eval(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.SelectorExpr:
		switch e.Sel.Name {
		case "Second":
			return constant.MakeInt64(int64(time.Second))
		case "Minute":
			return constant.MakeInt64(int64(time.Minute))
		}
	case *ast.BinaryExpr:
		x, y := eval(e.X), eval(e.Y)
		if x == nil || y == nil {
			return nil
		}
		if e.Op == token.SHL {
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, token.SHL, uint(n))
		}
		return constant.BinaryOp(x, e.Op, y)
	}
	return nil
}

var optionSpan = regexp.MustCompile("`([A-Za-z.]+)` \\(([^)]*)\\)")

// checkOptions compares the options that a row names with those of the code.
func checkOptions(r row, options map[string]option, complain func(string, ...any)) {
	found := optionSpan.FindAllStringSubmatch(r.options, -1)
	if n := strings.Count(r.options, "`") / 2; n != len(found) {
		complain("%s: %d of %d options are named in a way that can be checked", r.name, len(found), n)
	}
	for _, m := range found {
		o, ok := options[m[1]]
		if !ok {
			complain("%s: there is no option %s", r.name, m[1])
		} else if !o.is(m[2]) {
			complain("%s: the default of %s is %+v, not %s", r.name, m[1], o, m[2])
		}
	}
}

// is reports whether text says what the default is.
func (o option) is(text string) bool {
	if text == "none" || text == "off" {
		return !o.has
	}
	if o.value == nil {
		return o.has && strings.EqualFold(o.name, strings.ReplaceAll(text, " ", ""))
	}
	number, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(strings.ReplaceAll(number, ",", ""), 10, 64)
	factor, ok := map[string]int64{"": 1, "s": int64(time.Second), "min": int64(time.Minute), "KiB": 1 << 10, "MiB": 1 << 20}[unit]
	return err == nil && ok && constant.Compare(constant.ToInt(o.value), token.EQL, constant.MakeInt64(n*factor))
}
