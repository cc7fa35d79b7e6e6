// Package clientfs serves the official browser client beside the Socket.IO
// endpoint, as Node's server does, so that a page needs nothing but
// <script src="/socket.io/socket.io.js">.
//
// It serves eight names and nothing else; no part of a request ever becomes a
// path in the file system.
package clientfs
