// Command newer builds the fixture as a later version of the library might be,
// into the file that it is given: its hello tells another version and more of the
// node, all of its messages have members that are not known today, with each
// broadcast it sends a message of a kind that is not known either, and another
// one where all other nodes are of its version. When it hears one of these it
// says so in its log.
//
// It compiles edited copies of some files in the place of the files themselves
// (go build -overlay): nothing of it is in the library.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const root = "../socketio" // seen from e2e

// edits are, by file, what is written in the place of what.
var edits = map[string][][2]string{
	"internal/cluster/core.go": {
		{"const version = 1\n", `const version = 2

// Kinds that only this version has: waves are sent to all, glows where all know them.
const (
	wave adapter.Kind = 30
	glow adapter.Kind = 31
)

// later is said with each broadcast.
func (c *Core) later(ns string) {
	_ = c.publishAfter(&adapter.Message{Kind: wave, NS: ns}, nil)
	for _, p := range c.Peers() {
		if p.Version < version {
			return
		}
	}
	if _, had := noted.LoadOrStore(glow, true); !had {
		slog.Info("all are of this version: it glows")
	}
	_ = c.publishAfter(&adapter.Message{Kind: glow, NS: ns}, nil)
}

var noted sync.Map

// note says once what has come from whom.
func (c *Core) note(m *adapter.Message) {
	if _, had := noted.LoadOrStore(fmt.Sprint(m.Kind == glow, m.From), true); !had {
		name := map[adapter.Kind]string{wave: "wave", glow: "glow"}[m.Kind]
		slog.Info("a later version says "+name, "node", m.From)
	}
}
`},
		{"\t\"errors\"\n", "\t\"errors\"\n\t\"fmt\"\n\t\"log/slog\"\n"},
		{`func (c *Core) PublishAfter(m *adapter.Message, before func()) error {
`, `func (c *Core) PublishAfter(m *adapter.Message, before func()) error {
	if m.Kind == adapter.Broadcast && m.To == "" {
		c.later(m.NS)
	}
	return c.publishAfter(m, before)
}

func (c *Core) publishAfter(m *adapter.Message, before func()) error {
`},
	},
	"internal/cluster/receive.go": {
		{"	case adapter.Join, adapter.Leave, adapter.Disconnect:\n", "	case wave, glow:\n		c.note(m)\n	case adapter.Join, adapter.Leave, adapter.Disconnect:\n"},
	},
	"adapter/nativewire/form.go": {
		{"	w.parts(bits, m)\n", "	w.parts(bits, m)\n	w.uint(7)\n	w.str(\"of a later version\")\n"},
	},
	"adapter/nodewire/classic.go": {
		{"adapter.HasAnswer: own + 25,\n", "adapter.HasAnswer: own + 25, 30: own + 30, 31: own + 31,\n"},
		{"func (f *form) route(at int, m *adapter.Message) {\n", "func (f *form) route(at int, m *adapter.Message) {\n	f.key(at, \"later\")\n	f.strings([]string{\"of a later version\"})\n"},
		{"func (f *form) flags(m *adapter.Message) {\n	at := f.open()\n", "func (f *form) flags(m *adapter.Message) {\n	at := f.open()\n	f.key(at, \"later\")\n	f.bool(true)\n"},
		{"		f.str(n.Address)\n", "		f.str(n.Address)\n		f.key(o, \"features\")\n		f.strings([]string{\"waves\", \"glows\"})\n"},
	},
	"adapter/nodewire/shared.go": {
		{"k == adapter.Has || ", "k == 30 || k == 31 || k == adapter.Has || "},
		{"	if m.Seq != 0 {\n		dst = appendNumber", "	dst = appendField(dst, \"later\", \"of a later version\")\n	if m.Seq != 0 {\n		dst = appendNumber"},
	},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "newer: which file is it for?")
		os.Exit(2)
	}
	if err := build(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "newer:", err)
		os.Exit(1)
	}
}

func build(out string) (err error) {
	folder, err := os.MkdirTemp("", "newer-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	var overlay struct{ Replace map[string]string }
	overlay.Replace = make(map[string]string)
	for name, list := range edits {
		path, err := filepath.Abs(filepath.Join(root, name))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := string(b)
		for _, e := range list {
			if n := strings.Count(text, e[0]); n != 1 {
				return fmt.Errorf("%s has %q %d times, and not once: the edits here must follow it", name, e[0], n)
			}
			text = strings.Replace(text, e[0], e[1], 1)
		}
		edited := filepath.Join(folder, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
			return err
		}
		overlay.Replace[path] = edited
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-overlay", file, "-o", out, "./fixture")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
