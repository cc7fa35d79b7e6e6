// Package clientdist holds the official browser client, socket.io-client, for
// any program that serves it:
//
//	srv := socketio.New(&socketio.Options{Client: clientdist.FS(), ClientVersion: clientdist.Version()})
//
// The files are as npm installed them: pinned and hashed in package-lock.json,
// never committed. "make client" in the folder of this module installs them,
// and whatever is built with that folder from then on has them in it; the go
// command finds it by a replace directive or a workspace. A copy of the module
// that the go command has downloaded has no such files, as they are not in the
// repository: then this package builds all the same and is empty, requests for
// the client are answered with what to do, and a program takes the folder dist
// of the npm package socket.io-client instead, by os.DirFS or go:embed.
package clientdist
