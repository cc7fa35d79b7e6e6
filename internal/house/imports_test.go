package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sockeye-io/sockeye"

// floors lists the packages from the ground up. A package imports only from
// floors below its own. A pattern ending in /... covers a folder; the first
// match counts. A new package is added here, on the lowest floor that works.
var floors = [][]string{
	{"internal/clip", "internal/content", "internal/option", "internal/slow", "socketio/adapter"},
	{"internal/...", "socketio/internal/...", "server/clientdist", "server/docsite", "public/assets"},
	{"socketio/engineio", "socketio/emitter"},
	{"socketio"},
	{"socketio/socketiotest", "socketio/websocket", "socketio/adapter/..."},
	{"socketio/metrics", "socketio/emitapi", "socketio/presence", "socketio/auth"},
	{"googollee/...", "socketio/client"},
	{"namespaces", "ginio"},
	{"inspect", "inspect/adminui", "playground"},
	{"server"},
	{""},                               // the program
	{"e2e/...", "docs/...", "cmd/..."}, // use all of it from outside
}

// sameFloor lists the folders whose packages may import one another.
var sameFloor = []string{"socketio/internal/...", "socketio/adapter/...", "googollee/...", "e2e/..."}

// outside lists the modules the root module uses, and by whom they may be
// imported; docs/ARCHITECTURE.md gives the reason for each.
var outside = map[string][]string{
	"github.com/gin-gonic/gin":            {"server", "ginio", "inspect", "playground", "docs/...", "e2e/..."},
	"github.com/prometheus/client_golang": {"server", "socketio/metrics"},
	"github.com/yuin/goldmark":            {"server/docsite", "public/assets"},
	"golang.org/x/crypto":                 {"internal/gate"},
	"github.com/pelletier/go-toml/v2":     {"server"},
	"github.com/redis/go-redis/v9":        {"socketio/adapter/redis"},
	"github.com/googollee/go-socket.io":   {"googollee", "docs/...", "e2e/..."}, // for its types
	"github.com/jackc/pgx/v5":             {"socketio/adapter/postgres"},
	"github.com/nats-io/nats.go":          {"socketio/adapter/nats", "socketio/adapter/mesh"},
	"golang.org/x/tools":                  {"cmd/sockeye-events", "internal/elsewhere"},
	"github.com/nats-io/nats-server/v2":   {"e2e/...", "socketio/adapter/nats", "socketio/adapter/mesh"},
}

// noNetwork are pure: bytes in, packets out. They know none of our packages but
// each other, and none of the standard library that reaches outside the process.
var (
	noNetwork = []string{"socketio/internal/wire/...", "socketio/adapter", "socketio/adapter/nodewire", "socketio/adapter/nativewire"}
	network   = []string{"net", "net/...", "os", "os/...", "syscall", "crypto/tls", "log", "log/..."}
)

// inTests lists what tests may import besides: the packages made for them.
var inTests = []string{"internal/leak", "internal/slow", "internal/freeport", "socketio/socketiotest", "socketio/adapter/adaptertest"}

type pkg struct {
	ImportPath, Dir                    string
	Imports, TestImports, XTestImports []string
	Standard                           bool
}

func (p pkg) rel() string { return rel(p.ImportPath) }

func rel(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		folder, deep := strings.CutSuffix(pattern, "/...")
		return path == folder || deep && strings.HasPrefix(path, folder+"/")
	})
}

func floor(path string) int {
	return slices.IndexFunc(floors, func(patterns []string) bool { return matches(patterns, path) })
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,Standard"}, args...)...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("go list: %v\n%s", err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsRunDownward(t *testing.T) {
	for _, p := range list(t, "./...") {
		from := floor(p.rel())
		if from < 0 {
			t.Errorf("%s has no floor: add it to the list in this test", p.ImportPath)
			continue
		}
		check := func(path string, isTest bool) {
			if complaint := judge(p.rel(), path, isTest); complaint != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, path, complaint)
			}
		}
		for _, path := range p.Imports {
			check(path, false)
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			check(path, true)
		}
	}
}

// judge tells what is wrong when package from (relative to the module) imports
// path, "" if nothing is.
func judge(from, path string, isTest bool) string {
	if !ours(path) {
		return judgeOutside(from, path, isTest)
	}
	to := rel(path)
	switch {
	case to == from: // an external test of its own package
	case isTest && matches(inTests, to):
	case isTest && strings.HasPrefix(from, to+"/"), isTest && strings.HasPrefix(to, from+"/"): // its own neighbourhood
	case matches(noNetwork, from) && !matches(noNetwork, to):
		return "it must know only its own kind"
	case floor(to) < 0:
		return "that has no floor"
	case floor(to) > floor(from):
		return "imports run downward"
	case floor(to) == floor(from) && !slices.ContainsFunc(sameFloor, func(f string) bool {
		return matches([]string{f}, from) && matches([]string{f}, to)
	}):
		return "both are on the same floor"
	}
	return ""
}

func judgeOutside(from, path string, isTest bool) string {
	host, _, _ := strings.Cut(path, "/")
	if !strings.Contains(host, ".") { // the standard library
		if matches(noNetwork, from) && !isTest && matches(network, path) {
			return "it must be pure"
		}
		return ""
	}
	for mod, users := range outside {
		if path == mod || strings.HasPrefix(path, mod+"/") {
			if !matches(users, from) {
				return "only " + strings.Join(users, ", ") + " may"
			}
			return ""
		}
	}
	return "a new dependency: add it to the list in this test and, with its reason, to docs/ARCHITECTURE.md"
}

// The judge must be able to say no.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		from, path string
		isTest, ok bool
	}{
		{"", module + "/server", false, true},
		{"server", module + "/ginio", false, true},
		{"ginio", module + "/socketio", false, true},
		{"socketio", module + "/socketio/engineio", false, true},
		{"socketio/engineio", module + "/socketio/internal/wire/eiowire", false, true},
		{"socketio/internal/ws", module + "/socketio/internal/netpoll", false, true},
		{"socketio", module + "/socketio/socketiotest", true, true},
		{"socketio/engineio", "net/http", false, true},
		{"server", "github.com/gin-gonic/gin/render", false, true},
		{"socketio/engineio", module + "/socketio", false, false},
		{"socketio/engineio", module + "/socketio", true, true}, // the folder around it
		{"socketio", module + "/server", false, false},
		{"socketio", module + "/ginio", true, false},
		{"namespaces", module + "/ginio", false, false},
		{"socketio/internal/wire/siowire", module + "/internal/leak", false, false},
		{"socketio/internal/wire/siowire", module + "/socketio/internal/ws", false, false},
		{"socketio/internal/wire/siowire", module + "/socketio/internal/wire/value", false, true},
		{"socketio/internal/wire/siowire", "net/url", false, false},
		{"socketio", "github.com/gin-gonic/gin", false, false},
		{"socketio", "github.com/gin-gonic/gin", true, false},
		{"socketio", "example.com/new", false, false},
	} {
		if got := judge(c.from, c.path, c.isTest); (got == "") != c.ok {
			t.Errorf("%q importing %s (test: %v): %q", c.from, c.path, c.isTest, got)
		}
	}
}
