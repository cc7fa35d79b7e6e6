package server

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/internal/content"
)

// pages serves the files of one file system: a folder's index.html at the
// folder's address, every other file at its own, and nothing else. No listing,
// no dotfile, no device, no path that needs cleaning first.
type pages struct {
	fsys   fs.FS
	log    *slog.Logger
	kept   map[string]*content.File // those that cannot change, by name; static. The others have a Last-Modified
	header func(h http.Header, name string)
}

// embedded serves the program's own pages, which cannot change while it runs.
func embedded(fsys fs.FS, log *slog.Logger) (*pages, error) {
	p := &pages{fsys: fsys, log: log, kept: map[string]*content.File{}, header: ownHeaders}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			p.kept[name] = new(content.File)
		}
		return err
	})
	return p, err
}

// folder serves somebody's own pages, as they are at the moment of the request.
// Their scripts may be inline, as tutorials write them: policy, if not empty,
// is their Content-Security-Policy.
func folder(fsys fs.FS, policy string, log *slog.Logger) *pages {
	return &pages{fsys: fsys, log: log, header: func(h http.Header, _ string) {
		if policy != "" {
			h.Set("Content-Security-Policy", policy)
		}
	}}
}

// ownHeaders are for pages we have written, whose needs we know: no inline
// script or style, nothing from elsewhere.
func ownHeaders(h http.Header, name string) {
	policy := "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
	if strings.HasPrefix(name, "doctor/") {
		policy += "; connect-src *" // it examines other servers too
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !content.Readable(w, r, "pages are") {
		return
	}
	name, ok := filename(r.URL.Path)
	if !ok {
		p.notFound(w, r)
		return
	}
	info, err := fs.Stat(p.fsys, name)
	if err == nil && info.IsDir() {
		if index := path.Join(name, "index.html"); strings.HasSuffix(r.URL.Path, "/") {
			name = index
			info, err = fs.Stat(p.fsys, name)
		} else if _, err := fs.Stat(p.fsys, index); err == nil {
			p.redirect(w, r)
			return
		}
	} else if err == nil && strings.HasSuffix(r.URL.Path, "/") {
		err = fs.ErrNotExist // a file is no folder
	}
	if err != nil || !info.Mode().IsRegular() {
		p.notFound(w, r)
		return
	}
	p.serve(w, r, name, http.StatusOK)
}

// redirect adds the slash that relative links in an index.html rely on.
func (p *pages) redirect(w http.ResponseWriter, r *http.Request) {
	to := r.URL.EscapedPath() + "/" // starts with exactly one slash, see filename
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, to, http.StatusPermanentRedirect)
}

// filename turns the path of a URL into the name of a file, if it is one that
// we serve: clean already, without dotfiles and without what only some
// operating systems take for a separator.
func filename(urlPath string) (string, bool) {
	name, ok := strings.CutPrefix(urlPath, "/")
	if !ok {
		return "", false
	}
	name = strings.TrimSuffix(name, "/")
	if name == "" {
		return ".", urlPath == "/"
	}
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\:\x00") {
		return "", false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return name, true
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request, name string, status int) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache") // may be kept, must be asked about
	if kept := p.kept[name]; kept != nil && status == http.StatusOK {
		if err := kept.Load(p.fsys, name, ""); err != nil {
			p.fail(w, r, err)
			return
		}
		p.header(h, name)
		kept.Serve(w, r, name)
		return
	}
	f, err := p.fsys.Open(name)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	defer f.Close() // opened for reading: nothing to lose
	info, err := f.Stat()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	h.Set("Content-Type", content.Type(name))
	h.Set("X-Content-Type-Options", "nosniff")
	p.header(h, name)
	if body, ok := f.(io.ReadSeeker); ok && status == http.StatusOK {
		http.ServeContent(w, r, name, info.ModTime(), body)
		return
	}
	all, err := io.ReadAll(f)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(all) // a client that left early is no fault of ours
	}
}

// notFound serves 404.html to those who read HTML, if there is one.
func (p *pages) notFound(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		if info, err := fs.Stat(p.fsys, "404.html"); err == nil && info.Mode().IsRegular() {
			p.serve(w, r, "404.html", http.StatusNotFound)
			return
		}
	}
	http.Error(w, "there is no such page here", http.StatusNotFound)
}

func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		http.Error(w, "there is no such page here", http.StatusNotFound)
		return
	}
	p.log.ErrorContext(r.Context(), "a page cannot be read", "path", clip.Text(r.URL.Path), "error", err)
	http.Error(w, "the page cannot be read", http.StatusInternalServerError)
}
