package server

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links one name may lead through.
const maxLinks = 40

// visible is somebody's folder of pages without what must not be seen: files
// and folders whose names begin with a dot, by whatever name a link leads to
// them, and what lies outside of the folder.
type visible struct{ root *os.Root }

// openFolder opens somebody's folder of pages. Links in it that lead out of it
// or to a dotfile do not work, whoever has put them there.
func openFolder(dir string) (fs.FS, io.Closer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("--public: %w", err)
	}
	return visible{root}, root, nil
}

func (v visible) Open(name string) (fs.File, error) {
	real, err := v.resolve(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return v.root.Open(real)
}

// Stat does not open what it looks at: a pipe would block.
func (v visible) Stat(name string) (fs.FileInfo, error) {
	real, err := v.resolve(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return v.root.Stat(real)
}

// resolve follows the links in name and returns where it leads: a name without
// links, and without dotfiles. Should a link be put there before that name is
// opened, the root still keeps it inside.
func (v visible) resolve(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", fs.ErrInvalid
	}
	at, rest, links := ".", strings.Split(name, "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch {
		case part == "." || part == "":
			continue
		case part == ".." && at != ".":
			at = path.Dir(at)
			continue
		case strings.HasPrefix(part, "."): // hidden, or outside
			return "", fs.ErrNotExist
		}
		next := path.Join(at, part)
		info, err := v.root.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := v.root.Readlink(next)
		if err != nil {
			return "", err
		}
		target = filepath.ToSlash(target)
		if links++; links > maxLinks || strings.HasPrefix(target, "/") || filepath.VolumeName(target) != "" {
			return "", fs.ErrNotExist
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}
