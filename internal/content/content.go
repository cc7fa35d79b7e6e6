package content

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// Accepts reports whether an Accept-Encoding header allows a coding, whose name
// is in lower case: named, or by "*", and not with a quality of 0. A header that
// names it twice, or with a malformed quality, does not.
func Accepts(header, coding string) bool {
	star, named := -1.0, -1.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		switch name = strings.TrimSpace(name); {
		case name == "*":
			star = quality(params)
		case strings.EqualFold(name, coding), len(name) > 2 && strings.EqualFold(name[:2], "x-") && strings.EqualFold(name[2:], coding):
			if named >= 0 {
				return false
			}
			named = quality(params)
		}
	}
	if named >= 0 {
		return named > 0
	}
	return star > 0
}

// quality reads "q=0.5" behind a coding: 1 if there is none, 0 if malformed.
func quality(params string) float64 {
	name, value, ok := strings.Cut(strings.TrimSpace(params), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// Tag is the opaque part of an ETag for these bytes, without quotes.
func Tag(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
