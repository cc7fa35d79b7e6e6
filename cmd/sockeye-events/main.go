// Command sockeye-events reads the events of a program from its source, without
// running it, and describes them: as TypeScript for the official client's
// Socket<…>, and as an AsyncAPI document.
//
//	go run github.com/sockeye-io/sockeye/cmd/sockeye-events ./...           # prints TypeScript
//	go run github.com/sockeye-io/sockeye/cmd/sockeye-events -o api ./...    # writes api/events.d.ts and api/asyncapi.json
//	go run github.com/sockeye-io/sockeye/cmd/sockeye-events --check -o api ./...
//
// See docs/contracts.md for what it finds, what it cannot, and the comments that
// settle it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `Usage: sockeye-events [flags] [packages]

Reads socketio.Event and Call constants, where they are heard and said, and
prints TypeScript for the official client, or with -o writes events.d.ts and
asyncapi.json. Packages are as for go build; without any: "."

Exit status: 0 all is described; 1 something could not be told (standard error
says file and line, and which comment settles it), or with --check a file is
stale; 2 wrong usage, or the packages do not compile.

Flags:
`

func run(args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("sockeye-events", flag.ContinueOnError)
	set.SetOutput(stderr)
	var (
		dir     = set.String("C", ".", "read the packages as if started in this `folder`")
		out     = set.String("o", "", "write events.d.ts and asyncapi.json into this `folder`, relative to where it is started")
		check   = set.Bool("check", false, "write nothing: fail when the files in the folder of -o are stale")
		format  = set.String("format", "ts", "what to print without -o: ts or asyncapi")
		title   = set.String("title", "", "the document's title; without: the module's path")
		version = set.String("version", "1.0.0", "the `version` of your API in the document")
		url     = set.String("url", "", "the server's `address` in the document, such as https://example.com/socket.io/; without: none")
	)
	set.Usage = func() { fmt.Fprint(stderr, usage); set.PrintDefaults() }
	if err := set.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return 0
		}
		return 2
	}
	wrong := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "sockeye-events: "+format+"\n", args...)
		return 2
	}
	if *check && *out == "" {
		return wrong("--check needs -o DIR: the folder whose files are held against the source")
	}
	if *format != "ts" && *format != "asyncapi" {
		return wrong("there is no format %q; there are ts and asyncapi", *format)
	}
	patterns := set.Args()
	if len(patterns) == 0 {
		patterns = []string{"."}
	}
	src, err := load(*dir, patterns)
	if err != nil {
		return wrong("%v", err)
	}
	d := describe(src)
	d.Title, d.Version, d.URL = *title, *version, *url
	if d.Title == "" {
		d.Title = src.module
	}
	failed := false
	for _, p := range d.problems.sorted() {
		failed = true
		fmt.Fprintln(stderr, p)
	}
	files := map[string][]byte{"events.d.ts": typeScript(d), "asyncapi.json": asyncAPI(d)}
	switch {
	case *check:
		for _, complaint := range stale(d, *out, files) {
			failed = true
			fmt.Fprintln(stderr, complaint)
		}
	case *out != "":
		if err := write(*out, files); err != nil {
			return wrong("%v", err)
		}
	case *format == "asyncapi":
		_, err = stdout.Write(files["asyncapi.json"])
	default:
		_, err = stdout.Write(files["events.d.ts"])
	}
	if err != nil {
		return wrong("%v", err)
	}
	if failed {
		return 1
	}
	return 0
}
