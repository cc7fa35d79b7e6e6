// Package socketio has the programming interface of
// github.com/googollee/go-socket.io 1.7, under its import path, and Sockeye
// underneath. An application comes to it by a replace directive in its go.mod, and
// without an edit; docs/migrating-from-go-socket.io.md of Sockeye shows how.
//
// The types here are declared anew. Those that only an engine of its own could need
// are left out: clients and dialers, codecs, payloads.
package socketio
