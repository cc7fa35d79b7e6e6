package value

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// unescape appends the text of a JSON string, given without its quotes, to dst.
// Surrogates that are not pairs become U+FFFD, as does every byte that is not
// UTF-8. plain reports that raw had nothing to change; dst is then as it was.
func unescape(dst, raw []byte) (_ []byte, plain bool) {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return append(dst, raw...), true
	}
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '\\' && i+1 < len(raw):
			i += 2
			switch e := raw[i-1]; e {
			case 'b':
				dst = append(dst, '\b')
			case 'f':
				dst = append(dst, '\f')
			case 'n':
				dst = append(dst, '\n')
			case 'r':
				dst = append(dst, '\r')
			case 't':
				dst = append(dst, '\t')
			case 'u':
				var r rune
				r, i = unicodeEscape(raw, i)
				dst = utf8.AppendRune(dst, r)
			default: // quote, backslash, slash
				dst = append(dst, e)
			}
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst, false
}

// unicodeEscape reads the four digits at i, and the other half of a surrogate
// pair if it follows.
func unicodeEscape(raw []byte, i int) (rune, int) {
	if i+4 > len(raw) {
		return utf8.RuneError, len(raw)
	}
	r := hex4(raw[i:])
	i += 4
	if utf16.IsSurrogate(r) {
		if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(raw[i+2:])); pair != utf8.RuneError {
				return pair, i + 6
			}
		}
		return utf8.RuneError, i
	}
	return r, i
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string, escaped as JSON.stringify does:
// nothing beyond what the grammar demands. Bytes that are not UTF-8 become
// U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := unremarkable(s, 0); i < len(s); i = unremarkable(s, i) {
		c := s[i]
		if c >= utf8.RuneSelf {
			for i < len(s) && s[i] >= utf8.RuneSelf {
				r, n := utf8.DecodeRuneInString(s[i:])
				if r == utf8.RuneError && n == 1 {
					dst = append(append(dst, s[start:i]...), "\uFFFD"...)
					start = i + 1
				}
				i += n
			}
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// unremarkable skips bytes of s from i on that stand for themselves in a JSON
// string, eight at a time: it returns the offset of one that does not or is not
// ASCII, or of the last few, which it has not looked at.
func unremarkable(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s[i:]), 8))
		if m := stops(w) | w&highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	return i
}

// valid returns s with each byte that is not UTF-8 replaced by U+FFFD.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// borrow returns b as a string that is only as good as b.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
