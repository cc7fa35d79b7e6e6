//go:build !unix

package server

import "os"

// framesSignals are none: the page of the inspection is the way while it runs.
var framesSignals []os.Signal

const framesRead = "it is read at the start"
