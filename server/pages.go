package server

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/internal/content"
)

// pages serves the files of one file system: a folder's index.html at the
// folder's address, every other file at its own, and nothing else. No listing,
// no dotfile, no device, no path that needs cleaning first.
type pages struct {
	fsys   fs.FS
	log    *slog.Logger
	tags   map[string]string // ETag by name; static. Files not in it have a Last-Modified instead
	header func(h http.Header, name string)
}

// embedded serves the program's own pages. They cannot change while it runs,
// so their ETags are made now; embedded files know no modification time.
func embedded(fsys fs.FS, log *slog.Logger) (*pages, error) {
	p := &pages{fsys: fsys, log: log, tags: map[string]string{}, header: ownHeaders}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		p.tags[name] = `"` + content.Tag(b) + `"`
		return nil
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
	for _, page := range connectAnywhere {
		if strings.HasPrefix(name, page) {
			policy += "; connect-src *"
		}
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// connectAnywhere are the pages made for trying out other servers too.
var connectAnywhere = []string{"playground/", "doctor/"}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "pages are read with GET", http.StatusMethodNotAllowed)
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
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache") // may be kept, must be asked about
	p.header(h, name)
	body, ok := f.(io.ReadSeeker)
	if !ok || status != http.StatusOK {
		all, err := io.ReadAll(f)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		if status != http.StatusOK {
			w.WriteHeader(status)
			if r.Method != http.MethodHead {
				_, _ = w.Write(all) // a client that left early is no fault of ours
			}
			return
		}
		body = bytes.NewReader(all)
	}
	var modified time.Time
	if tag := p.tags[name]; tag != "" {
		h.Set("ETag", tag)
	} else {
		modified = info.ModTime()
	}
	http.ServeContent(w, r, name, modified, body)
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

// types are those of web pages. They are fixed here because what mime knows
// besides depends on files of the machine.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8",
	".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".go": "text/plain; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".ico": "image/vnd.microsoft.icon",
	".woff2": "font/woff2", ".woff": "font/woff", ".wasm": "application/wasm", ".pdf": "application/pdf",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp4": "video/mp4", ".webm": "video/webm",
}

func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t := types[ext]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}
