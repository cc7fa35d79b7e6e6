//go:build !original

package main

import "github.com/sockeye-io/sockeye/googollee"

// Server is the one name that differs between the two builds.
type Server = googollee.Server

var newServer = googollee.NewServer
