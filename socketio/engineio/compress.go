package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"sync"
)

type resetter interface {
	io.WriteCloser
	Reset(io.Writer)
}

var (
	gzips = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	zlibs = sync.Pool{New: func() any { return zlib.NewWriter(nil) }} // HTTP's "deflate" is zlib
)

// compressFor packs body in a way that a client with this Accept-Encoding
// takes. name is "" if there is none.
func compressFor(accept string, body []byte) (name string, packed []byte) {
	pool := &gzips
	switch {
	case accepts(accept, "gzip"):
		name = "gzip"
	case accepts(accept, "deflate"):
		name, pool = "deflate", &zlibs
	default:
		return "", nil
	}
	w := pool.Get().(resetter)
	defer pool.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	if _, err := w.Write(body); err != nil {
		return "", nil
	}
	if err := w.Close(); err != nil {
		return "", nil
	}
	return name, b.Bytes()
}

// accepts reports whether an Accept-Encoding header names coding, or "*", with
// a quality that is not 0.
func accepts(header, coding string) bool {
	wild := false
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != coding && name != "*" {
			continue
		}
		ok := true
		if k, v, found := strings.Cut(strings.TrimSpace(params), "="); found && strings.TrimSpace(k) == "q" {
			quality, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			ok = err == nil && quality > 0
		}
		if name == coding {
			return ok
		}
		wild = ok
	}
	return wild
}

// appendJSONP wraps a payload as a script that hands it to callback j. JSON is
// JavaScript here: encoding/json escapes U+2028 and U+2029, and <, > and & too.
func appendJSONP(dst []byte, j string, body []byte) []byte {
	dst = append(append(append(dst, "___eio["...), j...), "]("...)
	text, err := json.Marshal(string(body))
	if err != nil {
		text = []byte(`""`) // a string always encodes
	}
	return append(append(dst, text...), ");"...)
}
