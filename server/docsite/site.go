package docsite

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/internal/content"
)

// Base is where the site is served.
const Base = "/docs/"

// Home is the document whose headings and lists are the site's navigation, in
// English; in other languages it has their suffix.
const Home = "docs/README.md"

// Site is the rendered site. It does not change, and may be used by many
// goroutines.
type Site struct {
	files  map[string]*file  // by URL path
	moved  map[string]string // where else a document may be asked for, and where it is
	broken []string
}

// file is one address of the site.
type file struct {
	content.File

	name string // whose ending tells the type
	body []byte
}

// Open and ReadFile let content.File load it.
func (f *file) Open(string) (fs.File, error)         { return nil, fs.ErrInvalid }
func (f *file) ReadFile(name string) ([]byte, error) { return f.body, nil }

// New renders the documents in repo, which has the repository's layout.
func New(repo fs.FS) (*Site, error) {
	s := &Site{files: map[string]*file{}, moved: map[string]string{}}
	docs, err := read(repo, s)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(docs, func(a, b *document) int { return strings.Compare(a.name, b.name) })
	b := builder{site: s, repo: repo, docs: map[string]*document{}}
	for _, d := range docs {
		b.docs[d.name] = d
		s.moved[Base+strings.TrimPrefix(d.name, "docs/")] = d.url
	}
	for _, d := range docs {
		b.resolve(d)
	}
	for _, lang := range languages {
		b.menus = append(b.menus, b.menu(lang))
	}
	for _, d := range docs {
		page, err := b.page(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		s.add(d.url, "index.html", page)
	}
	for _, lang := range languages {
		index, err := b.index(lang)
		if err != nil {
			return nil, err
		}
		s.add(Base+"search."+lang.code+".json", "search.json", index)
	}
	return s, nil
}

func (s *Site) add(url, name string, body []byte) {
	s.files[url] = &file{name: name, body: body}
}

// read gathers documents, and makes addresses of everything else in docs/.
func read(repo fs.FS, s *Site) (docs []*document, err error) {
	err = fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(repo, name)
		switch {
		case err != nil:
			return err
		case path.Ext(name) == ".md":
			docs = append(docs, parse(name, body))
		case strings.HasPrefix(name, "docs/"):
			s.add(Base+strings.TrimPrefix(name, "docs/"), typed(name), body)
		}
		return nil
	})
	return docs, err
}

// typed is a name whose ending tells how the file is to be served: what people
// read is text, whatever programs call it.
func typed(name string) string {
	switch path.Ext(name) {
	case ".svg", ".jpg", ".png", ".json":
		return name
	}
	return "file.txt"
}

// Broken lists links that lead nowhere, each with its document. There are none
// in documents that the tests have seen.
func (s *Site) Broken() []string { return s.broken }

// URLs lists the addresses of all pages, sorted.
func (s *Site) URLs() []string {
	var all []string
	for url, f := range s.files {
		if f.name == "index.html" {
			all = append(all, url)
		}
	}
	slices.Sort(all)
	return all
}

// Serve answers a request for an address of the site and reports whether there
// is one: if not, nothing is written. Headers beside those of the content are the
// caller's.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request) bool {
	if f := s.files[r.URL.Path]; f != nil {
		if err := f.Load(f, f.name, ""); err != nil {
			return false
		}
		f.File.Serve(w, r, f.name)
		return true
	}
	to := s.moved[r.URL.Path]
	if to == "" && s.files[r.URL.Path+"/"] != nil {
		to = r.URL.Path + "/"
	}
	if to == "" {
		return false
	}
	http.Redirect(w, r, to, http.StatusPermanentRedirect)
	return true
}

// Page is what is served at url, for tests.
func (s *Site) Page(url string) []byte {
	if f := s.files[url]; f != nil {
		return bytes.Clone(f.body)
	}
	return nil
}
