package peers

import (
	"net/netip"
	"testing"
	"unsafe"
)

// A Key and its Prefix say the same, and different networks are different Keys.
func TestKey(t *testing.T) {
	if n := unsafe.Sizeof(Key{}); n > 16 {
		t.Errorf("a Key takes %d bytes", n)
	}
	seen := make(map[Key]string)
	for _, c := range []struct{ addr, prefix string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.2", "192.0.2.2/32"},
		{"0.0.0.0", "0.0.0.0/32"},
		{"::ffff:192.0.2.3", "192.0.2.3/32"},
		{"::", "::/64"},
		{"::c000:201", ""}, // as ::
		{"0:0:c000:201::", "0:0:c000:201::/64"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"2001:db8:1:2::1", ""}, // as the one before
		{"fe80::1%eth0", "fe80::/64"},
	} {
		k := keyOf(netip.MustParseAddr(c.addr))
		old, known := seen[k]
		switch {
		case c.prefix == "":
			if !known {
				t.Errorf("%s is another network than those before", c.addr)
			}
			continue
		case known:
			t.Errorf("%s is the same network as %s", c.addr, old)
		}
		seen[k] = c.addr
		if p := k.Prefix(); p.String() != c.prefix {
			t.Errorf("%s: %v, want %s", c.addr, p, c.prefix)
		} else if KeyOf(p) != k {
			t.Errorf("%s: the Key of %v is another", c.addr, p)
		}
	}
	if k := keyOf(netip.Addr{}); k != (Key{}) || k.Prefix().IsValid() || KeyOf(netip.Prefix{}) != k {
		t.Errorf("without an address: %v", k)
	}
}
