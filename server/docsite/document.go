package docsite

import (
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// language is one in which there are documents.
type language struct {
	code   string // of HTML
	suffix string // of the file's name, before .md
	prefix string // of the address
}

var languages = []language{{"en", "", ""}, {"zh-CN", ".zh-CN", "zh/"}}

// document is one Markdown file.
type document struct {
	name, url string
	lang      language
	source    []byte
	tree      ast.Node
	title     string
	anchors   map[string]bool
	links     map[string]string // as written → as served
}

var markdown = goldmark.New(
	goldmark.WithExtensions(
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), // a style is against the pages' policy
		extension.Strikethrough, extension.Linkify,
	),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
)

func parse(name string, source []byte) *document {
	d := &document{name: name, source: source, lang: languages[0], anchors: map[string]bool{}, links: map[string]string{}}
	plain := strings.TrimSuffix(name, ".md")
	for _, l := range languages[1:] {
		if base, ok := strings.CutSuffix(plain, l.suffix); ok {
			plain, d.lang = base, l
		}
	}
	d.url = address(plain, d.lang)
	d.tree = markdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(&slugs{seen: d.anchors}))))
	for n := d.tree.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 1 {
			d.title = plainText(h, source)
			break
		}
	}
	if d.title == "" {
		d.title = path.Base(plain)
	}
	return d
}

// address is where the document of that name, without its ending, is served:
// one in docs/ at its own place, one beside docs/ as if it were in there.
func address(name string, lang language) string {
	name, inside := strings.CutPrefix(name, "docs/")
	if !inside {
		name = strings.ToLower(name)
	} else if name == "README" {
		name = ""
	} else {
		name = strings.TrimSuffix(name, "/README")
	}
	if name != "" {
		name += "/"
	}
	return Base + lang.prefix + name
}

// slugs makes the anchors of headings as GitHub does.
type slugs struct{ seen map[string]bool }

func (s *slugs) Generate(value []byte, _ ast.NodeKind) []byte {
	base := slug(string(value))
	id := base
	for i := 1; s.seen[id]; i++ {
		id = base + "-" + strconv.Itoa(i)
	}
	s.seen[id] = true
	return []byte(id)
}

func (s *slugs) Put(value []byte) { s.seen[string(value)] = true }

func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}

// plainText is what a reader sees of n, without markup.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker below has no error
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			if entering {
				for i := range n.Lines().Len() {
					line := n.Lines().At(i)
					b.Write(line.Value(source))
				}
			}
		}
		if !entering && n.Type() == ast.TypeBlock {
			b.WriteByte(' ')
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}
