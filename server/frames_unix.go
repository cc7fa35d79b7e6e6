//go:build unix

package server

import (
	"os"
	"syscall"
)

// framesSignals have the file of --log-frames read again.
var framesSignals = []os.Signal{syscall.SIGUSR1}

const framesRead = "it is read at the start, and\nagain on SIGUSR1"
