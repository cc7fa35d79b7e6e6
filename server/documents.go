package server

import (
	"io/fs"
	"net/http"
	"sync"

	"github.com/sockeye-io/sockeye/server/docsite"
)

// documents serves the site made of the documents in repo, which is rendered
// when somebody first asks for it. What it does not have is answered as by own.
func documents(repo fs.FS, own *pages) http.Handler {
	site := sync.OnceValues(func() (*docsite.Site, error) { return docsite.New(repo) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		docs, err := site()
		if err != nil {
			own.fail(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", "no-cache") // may be kept, must be asked about
		own.header(w.Header(), "docs/")
		if !docs.Serve(w, r) {
			own.notFound(w, r)
		}
	})
}
