package nativewire

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"sync"
	"unsafe"
)

// macLen is how many bytes of the HMAC are sent.
const macLen = 8

// mac makes MACs by one key.
type mac struct{ pool sync.Pool }

// signer is the state of one computation.
type signer struct {
	h   hash.Hash
	sum [sha256.Size]byte
}

func newMAC(key []byte) *mac {
	key = append([]byte(nil), key...)
	m := new(mac)
	m.pool.New = func() any { return &signer{h: hmac.New(sha256.New, key)} }
	return m
}

var zero = []byte{0}

// of computes the MAC of a message on a channel. The signer goes back to the
// pool when it was used.
func (m *mac) of(channel string, msg []byte) *signer {
	s := m.pool.Get().(*signer)
	s.h.Reset()
	s.h.Write(unsafe.Slice(unsafe.StringData(channel), len(channel))) // only read
	s.h.Write(zero)
	s.h.Write(msg)
	s.h.Sum(s.sum[:0])
	return s
}

// append appends the MAC of what follows start in b.
func (m *mac) append(b []byte, start int, channel string) []byte {
	s := m.of(channel, b[start:])
	b = append(b, s.sum[:macLen]...)
	m.pool.Put(s)
	return b
}

// check returns msg without its MAC; ok is false if that is wrong.
func (m *mac) check(channel string, msg []byte) (body []byte, ok bool) {
	if len(msg) < macLen {
		return nil, false
	}
	body, sent := msg[:len(msg)-macLen], msg[len(msg)-macLen:]
	s := m.of(channel, body)
	ok = subtle.ConstantTimeCompare(sent, s.sum[:macLen]) == 1
	m.pool.Put(s)
	return body, ok
}
