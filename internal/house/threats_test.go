package house

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const threatsDoc = "docs/threats.md"

// advisories and classes are what docs/threats.md has a row for.
var advisories = []string{
	"CVE-2017-16031", "CVE-2020-28481", "CVE-2024-38355", "CVE-2020-36048", "CVE-2022-21676", "CVE-2022-41940", "CVE-2023-31125", "CVE-2026-59725",
	"GHSA-gr94-w7qr-f4j3", "CVE-2020-36049", "CVE-2022-2421", "CVE-2023-32695", "CVE-2026-33151", "CVE-2026-69185", "CVE-2016-10542", "CVE-2024-37890",
	"CVE-2021-32640", "CVE-2026-45736", "CVE-2026-48779", "CVE-2019-13611", "CVE-2026-48802", "CVE-2025-61765", "CVE-2026-48804", "CVE-2020-27813",
	"PRISMA-2021-0118", "quic-go, webtransport-go", "go-socket.io 1.7",
}

var classes = []string{
	"Cross-site WebSocket hijacking", "Slow bodies, slow readers, slow handshakes", "Slow consumer", "Attachments", "Deep JSON", "Decompression bomb", "Ack flood",
	"Namespace flood", "Room explosion", "Session id guessing, hijack", "Overlapping polls or posts", "Packets per payload", "Upgrade abuse", "JSONP", "Client bundle",
	"Header and log injection", "Pre-CONNECT idling", "Event floods", "Handler panic", "Demo pages",
	"Output caused by one's own requests", "A bound as a lock-out", "One connection, many users (proxies reuse upstream connections)", "One budget for all",
	"Cheap in, dear out", "Waiting for another goroutine by spinning", "DNS rebinding", "Hostile bus (clusters)", "Poisoned peers (clusters)",
	"Inspection, emit API, admin",
}

// awaited are the rows that apply only when there is a package of some kind.
// Until then they say so; from then on each needs a test in such a package.
var awaited = map[string]feature{
	"CVE-2025-61765":              clusterBus,
	"GHSA-gr94-w7qr-f4j3":         webTransport,
	"quic-go, webtransport-go":    webTransport,
	"Hostile bus (clusters)":      clusterBus,
	"Poisoned peers (clusters)":   clusterBus,
	"Inspection, emit API, admin": operators,
}

// feature is a kind of package: how its folder is called, and what it imports.
type feature struct{ folder, imports *regexp.Regexp }

var (
	clusterBus = feature{
		regexp.MustCompile(`^(socketio|server|internal)(/.*)?/(adapter|cluster)[^/]*(/.*)?$`),
		regexp.MustCompile(`"github\.com/(redis|nats-io|jackc|gomodule/redigo|lib/pq)\b[^"]*"`),
	}
	webTransport = feature{
		regexp.MustCompile(`^(socketio|server|internal)(/.*)?/(webtransport|quic)[^/]*(/.*)?$`),
		regexp.MustCompile(`"github\.com/quic-go/[^"]*"`),
	}
	operators = feature{
		regexp.MustCompile(`^(socketio|server|namespaces)(/.*)?/(admin|inspect|emitapi)[^/]*(/.*)?$`),
		regexp.MustCompile(`"github\.com/sockeye-io/sockeye/[^"]*/(admin|inspect|emitapi)[^"]*"`),
	}
)

const notYet = "not applicable yet"

// row is one threat in the document.
type row struct{ name, says, options, tests string }

func rows(doc string) (list []row) {
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) < 4 || strings.Contains(line, "| options (default) |") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		n := len(cells)
		list = append(list, row{cells[0], strings.Join(cells[1:n-2], " "), cells[n-2], cells[n-1]})
	}
	return list
}

// checkThreats compares the document in repo with the threats that it is to
// have rows for, and its rows with the code. It returns what is wrong.
func checkThreats(repo fs.FS, threats []string) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	doc, err := fs.ReadFile(repo, threatsDoc)
	if err != nil {
		return []string{err.Error()}
	}
	list := rows(string(doc))
	for _, name := range threats {
		if n := len(slices.Collect(named(list, name))); n != 1 {
			complain("%s has %d rows", name, n)
		}
	}
	options, err := readOptions(repo)
	if err != nil {
		complain("options: %v", err)
	}
	for _, r := range list {
		folders := checkTests(repo, r, complain)
		checkOptions(r, options, complain)
		f, waits := awaited[r.name]
		exists := waits && len(f.find(repo)) > 0
		switch {
		case !waits && strings.Contains(r.says, notYet):
			complain("%s: is it %s?", r.name, notYet)
		case waits && !exists && !strings.Contains(r.says, notYet):
			complain("%s: there is no such package: it is %s", r.name, notYet)
		case exists && strings.Contains(r.says, notYet):
			complain("%s applies now, because of %s", r.name, strings.Join(f.find(repo), ", "))
		case exists && !slices.ContainsFunc(folders, f.folder.MatchString):
			complain("%s: no test in %s", r.name, strings.Join(f.find(repo), ", "))
		case !waits && len(folders) == 0:
			complain("%s has no test", r.name)
		}
	}
	return wrong
}

func named(list []row, name string) func(func(row) bool) {
	return func(yield func(row) bool) {
		for _, r := range list {
			if r.name == name && !yield(r) {
				return
			}
		}
	}
}

var (
	goTest  = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")
	e2eTest = regexp.MustCompile("`(e2e/[^:`]+\\.mjs): ([^`]+)`")
)

// checkTests looks for the tests that a row names, and returns their folders.
func checkTests(repo fs.FS, r row, complain func(string, ...any)) (folders []string) {
	found := 0
	for _, m := range goTest.FindAllStringSubmatch(r.tests, -1) {
		found++
		files, err := fs.Glob(repo, m[1]+"/*_test.go")
		exists := slices.ContainsFunc(files, func(file string) bool {
			text, e := fs.ReadFile(repo, file)
			return e == nil && regexp.MustCompile(`(?m)^func `+m[2]+`\(`).Match(text)
		})
		if err != nil || !exists {
			complain("%s: there is no %s in %s", r.name, m[2], m[1])
		}
		folders = append(folders, m[1])
	}
	for _, m := range e2eTest.FindAllStringSubmatch(r.tests, -1) {
		found++
		text, err := fs.ReadFile(repo, m[1])
		if err != nil || !strings.Contains(string(text), `"`+m[2]+`"`) {
			complain("%s: there is no %q in %s", r.name, m[2], m[1])
		}
		folders = append(folders, path.Dir(m[1]))
	}
	if n := strings.Count(r.tests, "`") / 2; n != found {
		complain("%s: %d of %d tests are named in a way that can be checked", r.name, found, n)
	}
	return folders
}

// find lists the folders and files that make a feature.
func (f feature) find(repo fs.FS) (found []string) {
	err := walk(repo, func(name string) error {
		dir := path.Dir(name)
		switch {
		case path.Ext(name) == ".go" && f.folder.MatchString(dir):
			if !slices.Contains(found, dir) {
				found = append(found, dir)
			}
		case path.Ext(name) == ".go" && !strings.HasPrefix(name, "bench/"):
			text, err := fs.ReadFile(repo, name)
			if err != nil {
				return err
			}
			if imports, _, _ := strings.Cut(string(text), "\n)"); f.imports.MatchString(imports) {
				found = append(found, name)
			}
		}
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

// walk calls visit for all files but installed and built ones.
func walk(repo fs.FS, visit func(name string) error) error {
	return fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || base == "bin" || strings.HasPrefix(base, ".") && base != "." {
				return fs.SkipDir
			}
			return nil
		}
		return visit(name)
	})
}

func TestThreats(t *testing.T) {
	for _, complaint := range checkThreats(os.DirFS(root(t)), slices.Concat(advisories, classes)) {
		t.Errorf("%s: %s", threatsDoc, complaint)
	}
}

// The table that was given with the task, where it is at hand, has no row that
// is not listed above.
func TestThreatsAreAll(t *testing.T) {
	given, err := os.ReadFile(filepath.Join(root(t), "..", "shared", "THREATS.md"))
	if os.IsNotExist(err) {
		t.Log("the table is not here")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Join(slices.Concat(advisories, classes), "|") + "|"
	seen := 0
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(string(given), -1) {
		for _, id := range regexp.MustCompile(`CVE-[0-9-]+|GHSA-[a-z0-9-]+|PRISMA-[0-9-]+|quic-go|webtransport-go|go-socket\.io 1\.7|^[A-Z][A-Za-z, '()-]+$`).FindAllString(m[1], -1) {
			if seen++; !strings.Contains(listed, id) {
				t.Errorf("%s is not listed", id)
			}
		}
	}
	if seen < 45 {
		t.Errorf("only %d threats were found in it", seen)
	}
}

// The checker must be able to say no.
func TestThreatsChecker(t *testing.T) {
	const (
		head   = "| advisory | wrong | here | options (default) | tests |\n|---|---|---|---|---|\n"
		bus    = "| CVE-2025-61765 | the bus | there is none: not applicable yet | | |\n"
		quic   = "| quic-go, webtransport-go | capsules | not applicable yet | | `socketio/engineio.TestOne` |\n"
		one    = "| CVE-1 | x | y | `Engine.MaxPayload` (1,000,000), `Limits.MaxRooms` (1,000) | `socketio/engineio.TestOne` |\n"
		good   = head + bus + quic + one
		engine = "package engineio\n\ntype Options struct {\n\tMaxPayload int64\n\tMaxQueue int\n}\n\nfunc (o *Options) setDefaults() {\n\toption.Default(&o.MaxPayload, 1e6)\n}\n"
		upper  = "package socketio\n\ntype Options struct{}\n\ntype Limits struct{ MaxRooms int }\n\nfunc f() {\n\toption.Bound(&l.MaxRooms, 1000)\n}\n"
	)
	for name, c := range map[string]struct {
		doc   string
		files map[string]string
		says  string // "" is nothing
	}{
		"good":                       {good, nil, ""},
		"no row":                     {head + bus + quic, nil, "CVE-1 has 0 rows"},
		"two rows":                   {good + one, nil, "CVE-1 has 2 rows"},
		"no test":                    {head + bus + quic + "| CVE-1 | x | y | | |\n", nil, "has no test"},
		"a test that is not there":   {good + "| C | x | y | | `socketio/engineio.TestTwo` |\n", nil, "no TestTwo"},
		"a title that is not there":  {good + "| C | x | y | | `e2e/test/a.test.mjs: other` |\n", nil, "no \"other\""},
		"a title":                    {good + "| C | x | y | | `e2e/test/a.test.mjs: title` |\n", nil, ""},
		"a name of another form":     {good + "| C | x | y | | `TestOne` |\n", nil, "can be checked"},
		"an option that is not":      {good + "| C | x | y | `Engine.MaxPay` (1) | `socketio/engineio.TestOne` |\n", nil, "no option Engine.MaxPay"},
		"another default":            {good + "| C | x | y | `Engine.MaxPayload` (1,000) | `socketio/engineio.TestOne` |\n", nil, "MaxPayload"},
		"no default":                 {good + "| C | x | y | `Engine.MaxPayload` (none) | `socketio/engineio.TestOne` |\n", nil, "MaxPayload"},
		"a default that is none":     {good + "| C | x | y | `Engine.MaxQueue` (1) | `socketio/engineio.TestOne` |\n", nil, "MaxQueue"},
		"an option without default":  {good + "| C | x | y | `Engine.MaxPayload` | `socketio/engineio.TestOne` |\n", nil, "can be checked"},
		"a false excuse":             {good + "| C | x | not applicable yet | | |\n", nil, "is it not applicable yet"},
		"no excuse":                  {head + "| CVE-2025-61765 | x | y | | |\n" + quic + one, nil, "there is no such package"},
		"an adapter":                 {good, map[string]string{"socketio/adapter/adapter.go": "package adapter\n"}, "CVE-2025-61765 applies now, because of socketio/adapter"},
		"an adapter of Redis":        {good, map[string]string{"socketio/adapter-redis/x.go": "package redis\n"}, "applies now"},
		"a cluster below":            {good, map[string]string{"socketio/internal/clusterbus/x.go": "package x\n"}, "applies now"},
		"a client of Redis":          {good, map[string]string{"server/x.go": "package server\n\nimport \"github.com/redis/go-redis/v9\"\n"}, "applies now, because of server/x.go"},
		"a client of NATS":           {good, map[string]string{"socketio/x.go": "package x\n\nimport (\n\t\"github.com/nats-io/nats.go\"\n)\n"}, "applies now"},
		"WebTransport":               {good, map[string]string{"socketio/webtransport/x.go": "package x\n"}, "quic-go, webtransport-go applies now"},
		"WebTransport in the engine": {good, map[string]string{"socketio/engineio/x.go": "package x\n\nimport (\n\t\"github.com/quic-go/webtransport-go\"\n)\n"}, "applies now"},
		"a rival with it":            {good, map[string]string{"bench/rivals/x/x.go": "package x\n\nimport \"github.com/quic-go/webtransport-go\"\n"}, ""},
		"applies, and a test": {head + quic + one + "| CVE-2025-61765 | x | y | | `socketio/adapter.TestBus` |\n", map[string]string{
			"socketio/adapter/a.go": "package adapter\n", "socketio/adapter/a_test.go": "package adapter\n\nfunc TestBus(t *testing.T) {}\n"}, ""},
		"applies, and a test elsewhere": {head + quic + one + "| CVE-2025-61765 | x | y | | `socketio/engineio.TestOne` |\n", map[string]string{
			"socketio/adapter/a.go": "package adapter\n"}, "no test in socketio/adapter"},
	} {
		repo := fstest.MapFS{}
		for file, text := range map[string]string{
			threatsDoc: c.doc, "socketio/engineio/options.go": engine, "socketio/options.go": upper, "socketio/internal/wire/siowire/parser.go": "package siowire\n", "socketio/cluster.go": "package socketio\n",
			"socketio/engineio/one_test.go": "package engineio\n\nfunc TestOne(t *testing.T) {}\n", "e2e/test/a.test.mjs": `test("title", () => {});`,
		} {
			repo[file] = &fstest.MapFile{Data: []byte(text)}
		}
		for file, text := range c.files {
			repo[file] = &fstest.MapFile{Data: []byte(text)}
		}
		got := strings.Join(checkThreats(repo, []string{"CVE-1"}), "\n")
		if c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%s: it says %q, want %q", name, got, c.says)
		}
	}
}
