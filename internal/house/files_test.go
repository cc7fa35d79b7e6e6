package house

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// files lists what is, or would be, committed, relative to root.
func files(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root(t), ".git")); err == nil {
		out := command(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
		return strings.Split(strings.Trim(out, "\x00"), "\x00")
	}
	var all []string // unpacked without its history
	err := fs.WalkDir(os.DirFS(root(t)), ".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

// each calls check with every text file. Files that were deleted but not yet
// committed as such, links and binary files are left out.
func each(t *testing.T, check func(path string, content []byte)) {
	t.Helper()
	for _, path := range files(t) {
		full := filepath.Join(root(t), path)
		if info, err := os.Lstat(full); err != nil || !info.Mode().IsRegular() {
			continue
		}
		content, err := os.ReadFile(full)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.ContainsRune(content[:min(len(content), 8000)], 0) {
			check(path, content)
		}
	}
}

// What a committed file says must hold on every machine. The names to look
// for come from the machine the test runs on, so that none stands here.
func TestNothingOfThisMachine(t *testing.T) {
	var words []string
	sources := command(t, "go", "env", "GOPROXY", "GOSUMDB")
	if _, err := exec.LookPath("npm"); err == nil {
		sources += command(t, "npm", "config", "get", "registry")
	}
	for _, word := range strings.FieldsFunc(sources, func(r rune) bool { return strings.ContainsRune(",|\n +", r) }) {
		_, word, found := strings.Cut("//"+strings.TrimPrefix(strings.TrimPrefix(word, "https:"), "http:"), "//")
		host, _, _ := strings.Cut(strings.Trim(word, "/"), "/")
		if found && strings.Contains(host, ".") {
			words = append(words, regexp.QuoteMeta(host))
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Logf("no home folder: %v", err)
	}
	for _, dir := range []string{home, filepath.Dir(root(t)), os.TempDir()} {
		if dir = strings.TrimRight(dir, "/"); dir != "" && filepath.IsAbs(dir) {
			words = append(words, regexp.QuoteMeta(dir+"/"))
		}
	}
	pattern := regexp.MustCompile(`(?m)(^|[^A-Za-z0-9._-])(` + strings.Join(words, "|") + ")")
	each(t, func(path string, content []byte) {
		for n, line := range bytes.Split(content, []byte("\n")) {
			if m := pattern.FindSubmatch(line); m != nil {
				t.Errorf("%s:%d names %s, which is this machine's", path, n+1, m[2])
			}
		}
	})
}

// Rules that CONTRIBUTING.md states. A package whose tests run under
// testing/synctest may sleep there: time is fake.
func TestHouseRules(t *testing.T) {
	fake := map[string]bool{} // by folder
	each(t, func(path string, content []byte) {
		if strings.HasSuffix(path, "_test.go") && bytes.Contains(content, []byte(`"testing/synctest"`)) {
			fake[filepath.Dir(path)] = true
		}
	})
	sleeps := regexp.MustCompile(`\btime\.` + `Sleep\(`)
	skips := regexp.MustCompile(`\b[tbf]\.Skip` + `(Now|f)?\(`)
	open := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)
	each(t, func(path string, content []byte) {
		ext := filepath.Ext(path)
		if ext == ".go" {
			if n := bytes.Count(content, []byte("\n")); n > 600 {
				t.Errorf("%s has %d lines: would two files be easier to live in?", path, n)
			}
		}
		if strings.HasSuffix(path, "_test.go") {
			if sleeps.Match(content) && !fake[filepath.Dir(path)] {
				t.Errorf("%s sleeps: wait for a condition, or use testing/synctest", path)
			}
			if skips.Match(content) {
				t.Errorf("%s skips: a test that cannot run says what to install and fails", path)
			}
		}
		if strings.Contains(".go.js.mjs.ts.css.html.sh", ext) && ext != "" && open.Match(content) {
			t.Errorf("%s leaves something open: finish it or write an issue", path)
		}
	})
}

// Comments have one width. What is indented in one (code, tables), directives
// and addresses are as wide as they are.
func TestCommentsHaveOneWidth(t *testing.T) {
	const most = 80 + 4
	comments := 0
	each(t, func(path string, content []byte) {
		if filepath.Ext(path) != ".go" {
			return
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(content, []byte("\n"))
		for _, group := range f.Comments {
			for _, c := range group.List {
				at := set.Position(c.Pos())
				if beside := bytes.TrimSpace(lines[at.Line-1][:at.Column-1]); len(beside) > 0 || !strings.HasPrefix(c.Text, "// ") {
					continue
				}
				comments++
				if n := utf8.RuneCountInString(c.Text); n > most && !strings.Contains(c.Text, "://") {
					t.Errorf("%s: a comment of %d columns: wrap it at 80", at, n)
				}
			}
		}
	})
	if comments < 4000 {
		t.Fatalf("only %d lines of comments were found", comments)
	}
}

func TestNoDownloadAddressesInLockFiles(t *testing.T) {
	each(t, func(path string, content []byte) {
		if filepath.Base(path) == "package-lock.json" && bytes.Contains(content, []byte(`"resolved": "http`)) {
			t.Errorf("%s records where packages were downloaded: install with the .npmrc beside it", path)
		}
	})
}
