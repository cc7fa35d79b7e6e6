package content

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// Readable reports whether r only reads. If not, it is answered: what, such as
// "pages", are read with GET.
func Readable(w http.ResponseWriter, r *http.Request, what string) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, what+" read with GET", http.StatusMethodNotAllowed)
	return false
}

// File is a file that does not change. It is read and compressed when it is first
// asked for, and kept. The zero File is ready; it must not be copied.
type File struct {
	mu            sync.Mutex
	plain, packed []byte // nil until read; packed stays nil if it would not be smaller
	tag           string // opaque part of the ETag, without quotes
}

// Load reads the file of that name unless that is done. version becomes its ETag
// if it is not empty and may be one; else that is made from what is in the file. A
// failure is not remembered, so the next call tries again.
func (f *File) Load(fsys fs.FS, name, version string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.plain != nil {
		return nil
	}
	plain, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(plain); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	f.plain, f.tag = plain, tag(version, plain)
	if b.Len() < len(plain) {
		f.packed = b.Bytes()
	}
	return nil
}

// Serve answers with the file, which is loaded. The ETag is strong for the plain
// file and weak for the compressed one, so either validates the other.
// Cache-Control is up to the caller.
func (f *File) Serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Type", Type(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Encoding")
	body := f.plain
	if f.packed != nil && Accepts(strings.Join(r.Header.Values("Accept-Encoding"), ","), "gzip") {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", `W/"`+f.tag+`"`)
		body = f.packed
	} else {
		h.Set("ETag", `"`+f.tag+`"`)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// tag gives an ETag's opaque part: the version if it consists of characters
// allowed there, else a digest of the content.
func tag(version string, b []byte) string {
	ok := version != ""
	for _, c := range []byte(version) {
		ok = ok && c > ' ' && c < 0x7f && c != '"'
	}
	if ok {
		return version
	}
	return Tag(b)
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

// Type is the media type of a file, by its name.
func Type(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t := types[ext]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}
