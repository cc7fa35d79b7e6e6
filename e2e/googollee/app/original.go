//go:build original

package main

import socketio "github.com/googollee/go-socket.io"

// Server is the one name that differs between the two builds.
type Server = socketio.Server

var newServer = socketio.NewServer
