package clientdist

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:embed dist
var dist embed.FS

//go:embed package.json
var manifest []byte

// FS holds the files of socket.io-client's folder dist at its root, for
// socketio.Options.Client. Built is false if there are none.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // only for an invalid path, and this one is constant
	}
	return sub
}

// Old holds socket.io.js of the last client of revision 3, version 2.5, at its
// root. It is for tools that try a server with it; nothing else serves it. It is
// empty if Built is false.
func Old() fs.FS {
	sub, err := fs.Sub(dist, "dist/v2")
	if err != nil {
		panic(err) // only for an invalid path, and this one is constant
	}
	return sub
}

// Built tells whether the client was installed before this program was built.
func Built() bool {
	_, err := fs.Stat(dist, "dist/socket.io.js")
	return err == nil
}

// Version is the pinned version of socket.io-client, such as "4.8.4".
func Version() string {
	var m struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		panic(fmt.Sprintf("clientdist: package.json: %v", err)) // part of the program, tested
	}
	return m.Dependencies["socket.io-client"]
}
