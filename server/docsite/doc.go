// Package docsite makes web pages of the documents of the repository: README.md
// and its siblings, and what lies in docs/. Links between the files stay links
// between the pages; a small index is there to be searched by the browser.
package docsite
