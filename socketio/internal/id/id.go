package id

import (
	"crypto/rand"
	"encoding/base64"
)

// New returns 120 random bits as 20 characters (CVE-2017-16031).
func New() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process rather than return less
	return base64.RawURLEncoding.EncodeToString(b[:])
}
