package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/sockeye-io/sockeye/server/clientdist"
)

// Where the go command knows no version and no commit, since it builds from an
// archive or in an image without .git, they are given with
//
//	go build -ldflags "-X main.givenVersion=v1.2.3 -X main.givenCommit=0a1b2c3"
var givenVersion, givenCommit string

// facts tell which program this is.
type facts struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"` // "" if nobody knows
	Modified bool   `json:"modified"`
	Time     string `json:"time"` // of the commit
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Static   bool   `json:"static"` // built without cgo
	Client   string `json:"client"` // version of the browser's side in it, "" if it is not built in
}

// build gathers them from what the go command has recorded.
func build() facts {
	f := facts{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			f.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				f.Commit = s.Value
			case "vcs.time":
				f.Time = s.Value
			case "vcs.modified":
				f.Modified = s.Value == "true"
			case "CGO_ENABLED":
				f.Static = s.Value == "0"
			}
		}
	}
	if givenVersion != "" {
		f.Version = givenVersion
	}
	if givenCommit != "" {
		f.Commit = givenCommit
	}
	if clientdist.Built() {
		f.Client = clientdist.Version()
	}
	return f
}

var versionCommand = command{name: "version", args: "[--json]", help: "print the version and how this program was built", run: func(_ context.Context, p *process, args []string) error {
	f := build()
	switch {
	case slices.Equal(args, []string{"--json"}):
		return json.NewEncoder(p.out).Encode(f)
	case len(args) > 0:
		return helpOr(args[0], "%q is not an option of version: it has --json only", args[0])
	}
	commit, linked, client := f.Commit, "with cgo", f.Client
	if commit == "" {
		commit = "unknown"
	} else if f.Modified {
		commit += " (modified)"
	}
	if f.Static {
		linked = "static"
	}
	if client == "" {
		client = "not built in (make client)"
	}
	_, err := fmt.Fprintf(p.out, "sockeye %s\ncommit    %s\ngo        %s %s, %s\nclient    %s\n", f.Version, commit, f.Go, f.Platform, linked, client)
	return err
}}
