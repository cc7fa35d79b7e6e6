package docsite

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// source is where files are to be read that the site does not have.
const source = "https://github.com/sockeye-io/sockeye"

//go:embed page.html
var templates embed.FS

var pageTemplate = template.Must(template.ParseFS(templates, "page.html"))

// builder holds what pages need to know of each other.
type builder struct {
	site  *Site
	repo  fs.FS
	docs  map[string]*document
	menus [][]section // by the index of languages
}

// section is one heading of the navigation with what stands below it.
type section struct {
	Title string
	Pages []entry
}

// entry is one line of it.
type entry struct{ Title, URL string }

// resolve turns the links of a document into those of the site.
func (b *builder) resolve(d *document) {
	_ = ast.Walk(d.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker below has no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = []byte(b.link(d, string(n.Destination)))
		case *ast.Image:
			n.Destination = []byte(b.link(d, string(n.Destination)))
			n.SetAttributeString("loading", []byte("lazy"))
		}
		return ast.WalkContinue, nil
	})
}

// link is where a link in a document leads.
func (b *builder) link(d *document, to string) string {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
		return to
	}
	file, anchor, hasAnchor := strings.Cut(to, "#")
	if hasAnchor {
		anchor = "#" + anchor
	}
	name := d.name
	if file != "" {
		name = path.Join(path.Dir(d.name), file)
	}
	if name == "docs" {
		name = Home
	}
	if _, ok := b.docs[name]; !ok && b.docs[name+"/README.md"] != nil {
		name += "/README.md"
	}
	if other := b.docs[name]; other != nil {
		if hasAnchor && !other.anchors[strings.TrimPrefix(anchor, "#")] {
			b.complain(d, to, "there is no such heading")
		}
		return other.url + anchor
	}
	if at := Base + strings.TrimPrefix(name, "docs/"); strings.HasPrefix(name, "docs/") && b.site.files[at] != nil {
		return at + anchor
	}
	if page, ok := strings.CutPrefix(name, "public/"); ok && path.Ext(page) == "" {
		return "/" + page + "/" + anchor // what the program itself serves
	}
	if strings.HasPrefix(name, "..") {
		b.complain(d, to, "it leads out of the repository")
	}
	if path.Ext(name) == ".md" && strings.HasPrefix(name, "docs/") {
		b.complain(d, to, "there is no such document")
	}
	return source + "/blob/main/" + name + anchor
}

func (b *builder) complain(d *document, link, why string) {
	b.site.broken = append(b.site.broken, fmt.Sprintf("%s links to %s: %s", d.name, link, why))
}

// menu reads the navigation from the headings of the home document and the
// links in the lists below them.
func (b *builder) menu(lang language) (all []section) {
	home := b.docs[strings.TrimSuffix(Home, ".md")+lang.suffix+".md"]
	if home == nil {
		return nil
	}
	for n := home.tree.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				all = append(all, section{Title: plainText(n, home.source)})
			}
		case *ast.List:
			if len(all) == 0 {
				continue
			}
			at := &all[len(all)-1]
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				if block := item.FirstChild(); block != nil {
					if link, ok := block.FirstChild().(*ast.Link); ok {
						at.Pages = append(at.Pages, entry{plainText(link, home.source), string(link.Destination)})
					}
				}
			}
		}
	}
	return all
}

// view is what the template shows.
type view struct {
	Lang, Title, Description string
	Home                     string
	Search                   string
	Menu                     []section
	URL                      string
	Body                     template.HTML
	Contents                 []entry
	Previous, Next           *entry
	Other                    *entry // the same in the other language: its language and address
	Words                    map[string]string
}

var words = map[string]map[string]string{
	"en":    {"search": "Search", "menu": "All pages", "contents": "On this page", "pages": "Documentation", "table": "Table", "previous": "Before", "next": "Next"},
	"zh-CN": {"search": "搜索", "menu": "所有页面", "contents": "本页内容", "pages": "文档", "table": "表格", "previous": "上一页", "next": "下一页"},
}

// page renders one document.
func (b *builder) page(d *document) ([]byte, error) {
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, d.source, d.tree); err != nil {
		return nil, err
	}
	// What is wider than a page scrolls by itself, with keys too. Text cannot
	// hold these tags: it is escaped.
	say := words[d.lang.code]
	html := strings.NewReplacer("<pre>", `<pre class="source" tabindex="0">`,
		"<table>", `<div class="scroll" tabindex="0" role="group" aria-label="`+say["table"]+`"><table>`, "</table>", "</table></div>",
	).Replace(body.String())
	v := view{
		Lang: d.lang.code, Title: d.title, Description: b.summary(d), Home: Base + d.lang.prefix, Search: Base + "search." + d.lang.code + ".json",
		Menu: b.menus[slices.Index(languages, d.lang)], URL: d.url, Body: template.HTML(html), Words: say,
		Contents: contents(d), Other: b.other(d),
	}
	v.Previous, v.Next = around(v.Menu, d.url)
	var out bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&out, "page.html", v)
	return out.Bytes(), err
}

// summary is the first paragraph.
func (b *builder) summary(d *document) string {
	for n := d.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if p, ok := n.(*ast.Paragraph); ok {
			text := []rune(plainText(p, d.source))
			if len(text) > 160 {
				text = append(text[:159], '…')
			}
			return string(text)
		}
	}
	return ""
}

// contents lists the headings of the second level.
func contents(d *document) (all []entry) {
	for n := d.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			id, _ := h.AttributeString("id")
			all = append(all, entry{plainText(h, d.source), "#" + string(id.([]byte))})
		}
	}
	if len(all) < 2 {
		return nil
	}
	return all
}

// other is the same document in the other language, nil if there is none.
func (b *builder) other(d *document) *entry {
	base := strings.TrimSuffix(strings.TrimSuffix(d.name, ".md"), d.lang.suffix)
	for _, l := range languages {
		if l == d.lang {
			continue
		}
		if other := b.docs[base+l.suffix+".md"]; other != nil {
			return &entry{l.code, other.url}
		}
	}
	return nil
}

// around finds the neighbours of a page in the navigation.
func around(menu []section, url string) (previous, next *entry) {
	var all []entry
	for _, s := range menu {
		for _, e := range s.Pages {
			if strings.HasPrefix(e.URL, Base) && !strings.Contains(e.URL, "#") {
				all = append(all, e)
			}
		}
	}
	at := slices.IndexFunc(all, func(e entry) bool { return e.URL == url })
	if at > 0 {
		previous = &all[at-1]
	}
	if at >= 0 && at+1 < len(all) {
		next = &all[at+1]
	}
	return previous, next
}

// found is one part of the index: a heading with the text below it.
type found struct {
	Page string `json:"page"`
	URL  string `json:"url"`
	Head string `json:"head"`
	Text string `json:"text"`
}

// index is what the browser searches: every section of every document in lang,
// and in English of those that are there in English only.
func (b *builder) index(lang language) ([]byte, error) {
	all := []found{}
	for _, name := range slices.Sorted(maps.Keys(b.docs)) {
		d := b.docs[name]
		if d.lang != lang && (d.lang != languages[0] || b.other(d) != nil) {
			continue
		}
		at := found{Page: d.title, URL: d.url, Head: d.title}
		var text strings.Builder
		flush := func() {
			if at.Text = strings.TrimSpace(text.String()); at.Text != "" || at.Head == d.title {
				all = append(all, at)
			}
			text.Reset()
		}
		for n := d.tree.FirstChild(); n != nil; n = n.NextSibling() {
			if h, ok := n.(*ast.Heading); ok {
				if h.Level > 1 {
					flush()
					id, _ := h.AttributeString("id")
					at = found{Page: d.title, URL: d.url + "#" + string(id.([]byte)), Head: plainText(h, d.source)}
				}
				continue
			}
			text.WriteString(plainText(n, d.source) + " ")
		}
		flush()
	}
	return json.Marshal(all)
}
