//go:build unix

package server

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What a folder of a real file system may hold besides files must neither
// block nor lead out of it.
func TestFolderOnDisk(t *testing.T) {
	dir := t.TempDir()
	inside, outside := filepath.Join(dir, "public"), filepath.Join(dir, "secret.txt")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(inside, "sub"), 0o700),
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(inside, "index.html"), []byte("home"), 0o600),
		os.Symlink("index.html", filepath.Join(inside, "same.html")),
		os.Symlink(outside, filepath.Join(inside, "absolute.txt")),
		os.Symlink("../secret.txt", filepath.Join(inside, "relative.txt")),
		os.Symlink("..", filepath.Join(inside, "up")),
		syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	fsys, closer, err := openFolder(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	p := theirs(fsys, "")
	for path, want := range map[string]int{
		"/": 200, "/same.html": 200, "/absolute.txt": 404, "/relative.txt": 404, "/up/secret.txt": 404, "/pipe": 404, "/sub": 404, "/sub/": 404,
	} {
		w := fetch(p, path)
		if w.Code != want || bytes.Contains(w.Body.Bytes(), []byte("secret")) {
			t.Errorf("%s: %d %q, want %d", path, w.Code, w.Body, want)
		}
	}
	if err := os.WriteFile(filepath.Join(inside, "index.html"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := fetch(p, "/"); w.Body.String() != "changed" {
		t.Errorf("after a change: %q", w.Body)
	}
}

// A link makes nothing visible that is not: neither a dotfile of the folder,
// by whatever way it is reached, nor anything outside.
func TestLinksToWhatIsHidden(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "public")
	secret := []byte("secret")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(inside, "sub", "deep"), 0o700),
		os.MkdirAll(filepath.Join(inside, ".git", "refs"), 0o700),
		os.WriteFile(filepath.Join(dir, "outside.txt"), secret, 0o600),
		os.WriteFile(filepath.Join(inside, ".env"), secret, 0o600),
		os.WriteFile(filepath.Join(inside, "sub", ".env"), secret, 0o600),
		os.WriteFile(filepath.Join(inside, ".git", "config"), secret, 0o600),
		os.WriteFile(filepath.Join(inside, ".git", "index.html"), secret, 0o600),
		os.WriteFile(filepath.Join(inside, "sub", "page.html"), []byte("page"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{ // name in the folder: where it leads
		"env.txt": ".env", "dot.txt": "./.env", "sub.txt": "sub/.env", "sub/up.txt": "../.env", "repo": ".git", "repo2": "sub/../.git", "refs": ".git/refs",
		"chain.txt": "chain2.txt", "chain2.txt": "sub/up.txt", "rechain": "repo", "out.txt": "../outside.txt", "around": "../public", "around.txt": "../public/sub/page.html",
		"abs.txt": filepath.Join(dir, "outside.txt"), "absin.txt": filepath.Join(inside, ".env"), "absdir": inside, "all": "/", "up": "..",
		"loop": "loop", "ping": "pong", "pong": "ping", "404.html": ".env",
		"good": "sub", "good.html": "sub/page.html", "sub/deep/up.html": "../page.html", "good2.html": "./good/../good//page.html", "here": ".",
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	fsys, closer, err := openFolder(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	p := theirs(fsys, "")
	for _, path := range []string{
		"/env.txt", "/dot.txt", "/sub.txt", "/sub/up.txt", "/repo/config", "/repo/", "/repo", "/repo/index.html", "/repo2/config", "/refs/../config", "/refs/",
		"/chain.txt", "/rechain/config", "/out.txt", "/around/sub/page.html", "/around.txt", "/abs.txt", "/absin.txt", "/absdir/env.txt", "/absdir/sub/page.html",
		"/all/etc/passwd", "/up/outside.txt", "/up/public/.env", "/loop", "/loop/", "/ping", "/good/.env", "/good/up.txt", "/here/env.txt", "/here/.env", "/here/here/repo/config", "/nowhere",
	} {
		w := fetch(p, path, "Accept", "text/html")
		if w.Code != 404 || bytes.Contains(w.Body.Bytes(), secret) {
			t.Errorf("%s: %d %q, want 404", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/good/page.html", "/good.html", "/sub/deep/up.html", "/good/deep/up.html", "/good2.html", "/here/here/sub/page.html"} {
		if w := fetch(p, path); w.Code != 200 || w.Body.String() != "page" {
			t.Errorf("%s: %d %q, want the page", path, w.Code, w.Body)
		}
	}
}
