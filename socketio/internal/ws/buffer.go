package ws

import (
	"math/bits"
	"sync"
)

// Buffers for input have sizes of powers of two and are kept by size. Larger
// ones are left to the garbage collector.
const (
	minBuffer   = 8 << 10
	maxBuffer   = 1 << 20
	bufferSizes = 8 // minBuffer<<0 ... minBuffer<<7
)

var buffers [bufferSizes]sync.Pool // of *buffer

// buffer is a slice that a pool can keep without allocating.
type buffer struct{ b []byte }

// sizeClass is the index of the smallest size that holds n bytes.
func sizeClass(n int) int {
	if n <= minBuffer {
		return 0
	}
	return bits.Len(uint(n-1)) - bits.Len(uint(minBuffer-1))
}

// getBuffer returns a buffer of at least n bytes.
func getBuffer(n int) *buffer {
	i := sizeClass(n)
	if i >= bufferSizes {
		return &buffer{make([]byte, minBuffer<<i)}
	}
	if b, ok := buffers[i].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, minBuffer<<i)}
}

func putBuffer(b *buffer) {
	if b == nil {
		return
	}
	if i := sizeClass(len(b.b)); i < bufferSizes && len(b.b) == minBuffer<<i {
		buffers[i].Put(b)
	}
}
