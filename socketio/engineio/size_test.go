package engineio

import (
	"testing"
	"unsafe"
)

// What an idle client costs: the sizes are those of the allocator's classes, and
// one byte more costs the next class.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, most uintptr
	}{
		{"Session", unsafe.Sizeof(Session{}), 320},
		{"wsConn", unsafe.Sizeof(wsConn{}), 64},
		{"pollConn", unsafe.Sizeof(pollConn{}), 288},
		{"passConn", unsafe.Sizeof(passConn{}), 352},
	} {
		if c.size > c.most {
			t.Errorf("a %s takes %d bytes, more than %d", c.name, c.size, c.most)
		}
	}
}
