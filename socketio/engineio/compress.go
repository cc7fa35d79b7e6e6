package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"sync"

	"github.com/sockeye-io/sockeye/internal/content"
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
	case content.Accepts(accept, "gzip"):
		name = "gzip"
	case content.Accepts(accept, "deflate"):
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
