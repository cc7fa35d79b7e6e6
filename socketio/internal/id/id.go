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

// Tagged returns 96 random bits as 16 characters, with a tag behind them: of the
// usual four an id is as long as that of New. It stands at the end so that those
// who divide by the first characters, or print them only, go on as before.
func Tagged(tag string) string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	var text [16]byte
	base64.RawURLEncoding.Encode(text[:], b[:])
	return string(text[:]) + tag
}
