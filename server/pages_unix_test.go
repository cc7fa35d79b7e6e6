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
