package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	socketio "github.com/googollee/go-socket.io"
)

// Here on purpose are not the parts of go-socket.io that only an engine or a client
// of its own could need. A name may stand for its methods.
var leftOut = map[string]string{
	"engineio.Server": "connections are served by socketio.Server", "engineio.NewServer": "the same",
	"engineio.Dialer": "there is no client here", "engineio.Opener": "the same", "engineio.Pauser": "the engine's own",
	"session.Session": "the engine's own", "session.New": "the same", "session.Manager": "the same", "session.NewManager": "the same",
	"session.Pauser":       "the same",
	"transport.Manager":    "the same",
	"transport.NewManager": "the same", "transport.ConnParameters": "the same", "transport.ReadConnParameters": "the same",
	"transport.ErrInvalidFrame": "the same",
	"websocket.DialError":       "of a client",
	"packet.Decoder":            "the codec's own", "packet.Encoder": "the same", "packet.Frame": "the same", "packet.Packet": "the same",
	"packet.NewDecoder": "the same", "packet.NewEncoder": "the same", "packet.FrameReader": "the same", "packet.FrameWriter": "the same",
	"packet.FakeDiscardWriter": "of the original's tests", "packet.NewFakeConnReader": "the same", "packet.NewFakeConnWriter": "the same",
	"packet.NewFakeConstReader": "the same", "packet.ByteToPacketType": "the codec's own",
	"packet.Type.BinaryByte": "the same", "packet.Type.StringByte": "the same",
	"parser.Decoder": "the codec's own", "parser.Encoder": "the same", "parser.FrameReader": "the same", "parser.FrameWriter": "the same",
	"parser.Header": "the same", "parser.NewDecoder": "the same", "parser.NewEncoder": "the same", "parser.Payload": "the same",
	"parser.Type": "the same", "parser.Connect": "the same", "parser.Disconnect": "the same", "parser.Event": "the same",
	"parser.Ack": "the same", "parser.Error": "the same", "parser.ErrInvalidPacketType": "the same",
}

var packages = []string{".", "engineio", "engineio/session", "engineio/transport", "engineio/transport/polling",
	"engineio/transport/websocket", "engineio/frame", "engineio/packet", "parser"}

// What the original exports is here with the same types, or is left out above.
func TestSameInterfaceAsTheOriginal(t *testing.T) {
	original := originalFolder(t)
	total := 0
	for _, folder := range packages {
		theirs, ours := declared(t, filepath.Join(original, folder)), declared(t, filepath.FromSlash(folder))
		for _, name := range slices.Sorted(maps.Keys(theirs)) {
			total++
			if strings.HasPrefix(name, "socketio.Server.") {
				continue // promoted: see below
			}
			parent := name[:max(0, strings.LastIndexByte(name, '.'))]
			switch got, ok := ours[name]; {
			case leftOut[name] != "" || leftOut[parent] != "":
				if ok {
					t.Errorf("%s is here, and in the list of what is not", name)
				}
			case !ok:
				t.Errorf("%s is missing", name)
			case got != theirs[name]:
				t.Errorf("%s is\n\t%s, and was\n\t%s", name, got, theirs[name])
			}
		}
	}
	if total < 100 {
		t.Errorf("only %d names compared", total)
	}
}

// The server's methods come from an embedded type, so they are asked of the
// program.
func TestSameServerMethodsAsTheOriginal(t *testing.T) {
	methods := 0
	server := reflect.TypeFor[*socketio.Server]()
	for name, want := range declared(t, originalFolder(t)) {
		method, ok := strings.CutPrefix(name, "socketio.Server.")
		if !ok {
			continue
		}
		methods++
		m, ok := server.MethodByName(method)
		if !ok {
			t.Errorf("%s is missing", method)
			continue
		}
		var in, out []reflect.Type
		for i := 1; i < m.Type.NumIn(); i++ {
			in = append(in, m.Type.In(i))
		}
		for i := range m.Type.NumOut() {
			out = append(out, m.Type.Out(i))
		}
		got := reflect.FuncOf(in, out, m.Type.IsVariadic()).String()
		for _, local := range []string{"Conn", "EachFunc", "RedisAdapterOptions"} {
			got = strings.ReplaceAll(got, "socketio."+local, local)
		}
		if got = strings.ReplaceAll(got, "interface {}", "any"); got != want {
			t.Errorf("%s is %s, and was %s", method, got, want)
		}
	}
	if methods != 18 {
		t.Errorf("%d methods compared: is the original 1.7.0?", methods)
	}
}

func originalFolder(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/googollee/go-socket.io")
	cmd.Dir = filepath.Join("..", "..") // there it is the original that is required
	out, err := cmd.Output()
	version, dir, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || !ok || version != "v1.7.0" || dir == "" {
		t.Fatalf("where is go-socket.io 1.7.0? go list says %q, %v (go mod download fetches it)", out, err)
	}
	return dir
}

// declared are the exported names of a package, methods and fields too, each with
// its type as text.
func declared(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no Go files, %v", folder, err)
	}
	names := map[string]string{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			declare(names, f.Name.Name+".", d)
		}
	}
	return names
}

func declare(names map[string]string, pkg string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := pkg
		if d.Recv != nil {
			receiver := strings.TrimPrefix(text(d.Recv.List[0].Type), "*")
			if !ast.IsExported(receiver) {
				return
			}
			name += receiver + "."
		}
		if d.Name.IsExported() {
			names[name+d.Name.Name] = text(d.Type)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					declareType(names, pkg+spec.Name.Name, spec.Type)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						names[pkg+name.Name] = d.Tok.String()
					}
				}
			}
		}
	}
}

func declareType(names map[string]string, name string, typ ast.Expr) {
	var fields *ast.FieldList
	switch typ := typ.(type) {
	case *ast.StructType:
		names[name], fields = "struct", typ.Fields
	case *ast.InterfaceType:
		names[name], fields = "interface", typ.Methods
	default:
		names[name] = text(typ)
		return
	}
	for _, f := range fields.List {
		if len(f.Names) == 0 && !strings.Contains(name, ".Server") {
			names[name+"."+text(f.Type)] = "embedded"
		}
		for _, field := range f.Names {
			if field.IsExported() {
				names[name+"."+field.Name] = text(f.Type)
			}
		}
	}
}

// text is a type without the names of its parameters.
func text(e ast.Expr) string {
	if f, ok := e.(*ast.FuncType); ok {
		for _, list := range []*ast.FieldList{f.Params, f.Results} {
			if list == nil {
				continue
			}
			var unnamed []*ast.Field
			for _, p := range list.List {
				for range max(1, len(p.Names)) {
					unnamed = append(unnamed, &ast.Field{Type: p.Type})
				}
			}
			list.List = unnamed
		}
	}
	return strings.ReplaceAll(types.ExprString(e), "interface{}", "any")
}
