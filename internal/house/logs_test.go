package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// What clients can cause must not fill the log. So every logger of the library
// and of the program is one that is limited, and there are no other ways to
// write a line.
const (
	limiter = "socketio/internal/quieter"
)

// logging are the folders whose code clients reach.
var logging = []string{"socketio", "ginio", "googollee", "namespaces", "server"}

// checkLogs returns what in repo could write lines without a limit.
func checkLogs(repo fs.FS) (wrong []string, files int) {
	for _, dir := range logging {
		err := fs.WalkDir(repo, dir, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (name == limiter || name == "socketio/socketiotest" || d.Name() == "node_modules"):
				return fs.SkipDir
			case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			files++
			text, err := fs.ReadFile(repo, name)
			if err != nil {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, text, 0)
			if err != nil {
				return err
			}
			imports := ""
			for _, i := range file.Imports {
				imports += i.Path.Value
			}
			complain := func(n ast.Node, what string) {
				wrong = append(wrong, fmt.Sprintf("%s: %s", set.Position(n.Pos()), what))
			}
			source := func(n ast.Node) string { return string(text[n.Pos()-file.FileStart : n.End()-file.FileStart]) }
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					f := source(n.Fun)
					if what := unlimited(f, imports); what != "" {
						complain(n, what)
					}
					if f == "slog.NewLogLogger" && !strings.HasSuffix(source(n), ", slog.LevelDebug)") {
						complain(n, f+" makes a kind of each text: only debugging has no limits")
					}
					for _, arg := range n.Args {
						if a := source(arg); strings.HasSuffix(a, ".Logger") && !resolved[a] && f != "quieter.Logger" {
							complain(arg, a+" has no limits: take the server's logger")
						}
					}
				case *ast.SelectorExpr:
					if s := source(n); s == "os.Stderr" {
						complain(n, "writes to standard error")
					}
				case *ast.AssignStmt:
					for i, left := range n.Lhs {
						if i < len(n.Rhs) && strings.HasSuffix(source(left), ".log") && mayBeLogger(n.Rhs[i]) && !isLimited(source(n.Rhs[i])) {
							complain(n, source(n.Rhs[i])+" may be a logger without limits")
						}
					}
				case *ast.KeyValueExpr:
					if source(n.Key) == "log" && mayBeLogger(n.Value) && !isLimited(source(n.Value)) {
						complain(n, source(n.Value)+" may be a logger without limits")
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return wrong, files
}

// levels are the methods of a slog.Logger that write.
var levels = []string{"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "DebugContext", "InfoContext", "WarnContext", "ErrorContext"}

// unlimited says what is wrong with calling f; "" is nothing.
func unlimited(f, imports string) string {
	receiver, method, _ := cutLast(f)
	switch {
	case receiver == "log" && strings.Contains(imports, `"log"`), receiver == "slog" && (slices.Contains(levels, method) || method == "Default" || method == "New"):
		return f + " goes past the limits: take the server's logger"
	case slices.Contains(levels, method) && strings.HasSuffix(receiver, "Logger"):
		return f + ": an option's logger has no limits: take the server's"
	}
	return ""
}

func cutLast(f string) (before, after string, ok bool) {
	i := strings.LastIndex(f, ".")
	if i < 0 {
		return "", "", false
	}
	return f[:i], f[i+1:], true
}

var loggers = regexp.MustCompile(`Logger|slog|\blog\b`)

// mayBeLogger tells loggers from lists that are called log too.
func mayBeLogger(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident, *ast.SelectorExpr:
		return true
	case *ast.CallExpr:
		return loggers.MatchString(types.ExprString(e.Fun))
	}
	return false
}

// isLimited reports whether an expression is a logger with limits: made by the
// limiter, the server's, or another of those fields.
func isLimited(e string) bool {
	return strings.HasPrefix(e, "quieter.Logger(") || strings.HasSuffix(e, ".Logger()") || strings.HasSuffix(e, ".log") || resolved[e] || e == "log"
}

// resolved are options in which the limiter has been put already; a parameter
// named log is somebody's who calls, and checked there.
var resolved = map[string]bool{"srv.opts.Logger": true, "o.Logger": true}

func TestLogsAreLimited(t *testing.T) {
	wrong, files := checkLogs(os.DirFS(root(t)))
	for _, complaint := range wrong {
		t.Error(complaint)
	}
	if files < 50 {
		t.Errorf("only %d files were read", files)
	}
}

// The checker must be able to say no.
func TestLogsChecker(t *testing.T) {
	for line, says := range map[string]string{
		`s.log.Warn("x")`:                     "",
		`s.log = quieter.Logger(opts.Logger)`: "",
		`s := &T{log: io.Logger()}`:           "",
		`p := New(s.log)`:                     "",
		`s.io.Logger().Error("x")`:            "",
		`slog.Warn("x")`:                      "slog.Warn goes past",
		`slog.ErrorContext(ctx, "x")`:         "goes past",
		`log.Printf("x")`:                     "log.Printf goes past",
		`x.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelError)`: "makes a kind of each text",
		`x.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)`: "",
		`s.log = slog.Default()`:                  "slog.Default goes past",
		`s.log = slog.New(h)`:                     "slog.New goes past",
		`s.opts.Logger.Error("x")`:                "an option's logger",
		`s.log = opts.Logger`:                     "may be a logger without limits",
		`s := &T{log: config.Logger}`:             "may be a logger without limits",
		`p := New(opts.Logger)`:                   "has no limits",
		`fmt.Fprintln(os.Stderr, "a client did")`: "standard error",
	} {
		repo := fstest.MapFS{"socketio/x.go": {Data: []byte("package socketio\n\nimport \"log\"\n\nfunc f() {\n" + line + "\n}\n")}}
		for _, dir := range logging[1:] {
			repo[dir+"/x.go"] = &fstest.MapFile{Data: []byte("package x\n")}
		}
		wrong, _ := checkLogs(repo)
		if got := strings.Join(wrong, "\n"); says == "" && got != "" || !strings.Contains(got, says) {
			t.Errorf("%s: it says %q, want %q", line, got, says)
		}
	}
}
