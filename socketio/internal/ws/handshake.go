package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// HandshakeError is why a request cannot become a WebSocket.
type HandshakeError struct {
	Status int // of the answer, which for 426 needs Sec-WebSocket-Version: 13
	Text   string
}

func (e *HandshakeError) Error() string { return "websocket: " + e.Text }

var (
	errMethod     = &HandshakeError{http.StatusMethodNotAllowed, "handshake is not a GET"}
	errHTTP       = &HandshakeError{http.StatusHTTPVersionNotSupported, "handshake needs HTTP/1.1"}
	errConnection = &HandshakeError{http.StatusBadRequest, "Connection does not say upgrade"}
	errUpgrade    = &HandshakeError{http.StatusBadRequest, "Upgrade does not say websocket"}
	errVersion    = &HandshakeError{http.StatusUpgradeRequired, "version is not 13"}
	errKey        = &HandshakeError{http.StatusBadRequest, "key is not 16 bytes in base64"}
	errProtocol   = &HandshakeError{http.StatusBadRequest, "malformed list of sub-protocols"}
)

// Keys of http.Header in the form that net/http gives them.
const (
	headerKey        = "Sec-Websocket-Key"
	headerVersion    = "Sec-Websocket-Version"
	headerProtocol   = "Sec-Websocket-Protocol"
	headerExtensions = "Sec-Websocket-Extensions"
)

// IsUpgrade reports whether r asks to become a WebSocket, whatever else is
// wrong with it.
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header["Upgrade"], "websocket") && hasToken(r.Header["Connection"], "upgrade")
}

// Handshake is a valid opening handshake.
type Handshake struct {
	accept  [28]byte
	deflate deflateOffer
	header  http.Header
}

// ParseHandshake checks r. The error is a *HandshakeError. Origin is not
// looked at.
func ParseHandshake(r *http.Request) (Handshake, error) {
	h := Handshake{header: r.Header}
	switch {
	case r.Method != http.MethodGet:
		return h, errMethod
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1:
		return h, errHTTP
	case !hasToken(r.Header["Connection"], "upgrade"):
		return h, errConnection
	case !hasToken(r.Header["Upgrade"], "websocket"):
		return h, errUpgrade
	}
	if v := r.Header[headerVersion]; len(v) != 1 || trim(v[0]) != "13" {
		return h, errVersion
	}
	keys := r.Header[headerKey]
	if len(keys) != 1 {
		return h, errKey
	}
	key := trim(keys[0])
	var raw [18]byte
	// The encoding of 16 bytes has 24 characters; decoding skips newlines,
	// which a header cannot contain.
	if len(key) != 24 {
		return h, errKey
	}
	if n, err := base64.StdEncoding.Decode(raw[:], []byte(key)); err != nil || n != 16 {
		return h, errKey
	}
	if _, ok := tokens(r.Header[headerProtocol]); !ok {
		return h, errProtocol
	}
	h.accept = acceptKey(key)
	h.deflate = findDeflate(r.Header[headerExtensions])
	return h, nil
}

// acceptKey is what proves that the server has understood the key.
func acceptKey(key string) (accept [28]byte) {
	var b [24 + 36]byte
	sum := sha1.Sum(append(append(b[:0], key...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	base64.StdEncoding.Encode(accept[:], sum[:])
	return accept
}

// Protocols are the sub-protocols that the client offers, the preferred first.
func (h *Handshake) Protocols() []string {
	list, _ := tokens(h.header[headerProtocol])
	return list
}

// Deflate reports whether the client offers permessage-deflate in a way that we
// can accept.
func (h *Handshake) Deflate() bool { return h.deflate.ok }

// DeflateWindow says how long a message may be to be sent compressed: less than
// 1<<n bytes, because the client keeps no larger window; 0 is any.
func (h *Handshake) DeflateWindow() uint8 { return h.deflate.bound() }

// AppendResponse appends the answer that accepts h, up to and including the
// empty line. protocol is one of h.Protocols(), or empty; deflate accepts
// permessage-deflate, if it is offered. Of extra, names that are no tokens and
// what belongs to the handshake itself are left out, and a newline in a value
// becomes a space.
func (h *Handshake) AppendResponse(dst []byte, protocol string, deflate bool, extra http.Header) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = append(dst, h.accept[:]...)
	dst = append(dst, "\r\n"...)
	if protocol != "" {
		dst = appendField(dst, "Sec-WebSocket-Protocol", protocol)
	}
	if deflate && h.deflate.ok {
		dst = append(dst, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"...)
		if h.deflate.window > 0 {
			dst = append(dst, "; server_max_window_bits="...)
			dst = strconv.AppendUint(dst, uint64(h.deflate.window), 10)
		}
		dst = append(dst, "\r\n"...)
	}
	if len(extra) > 0 {
		names := make([]string, 0, len(extra))
		for name := range extra {
			if isToken(name) && !ours(name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			for _, v := range extra[name] {
				dst = appendField(dst, name, v)
			}
		}
	}
	return append(dst, "\r\n"...)
}

// ours reports whether a field is the handshake's own business.
func ours(name string) bool {
	for _, s := range []string{"Upgrade", "Connection", "Content-Length", "Transfer-Encoding", "Trailer"} {
		if strings.EqualFold(name, s) {
			return true
		}
	}
	const prefix = "Sec-WebSocket-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '\r' || c == '\n' || c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, "\r\n"...)
}

// hasToken reports whether a header that is a list contains a token, in
// whatever case. It is linear in the header.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for v != "" {
			var item string
			item, v, _ = strings.Cut(v, ",")
			if strings.EqualFold(trim(item), token) {
				return true
			}
		}
	}
	return false
}

// tokens splits a header that is a list of different tokens. Empty elements are
// skipped, as RFC 9110 wants it.
func tokens(values []string) (list []string, ok bool) {
	const most = 64 // so that looking for doubles stays cheap
	for _, v := range values {
		for v != "" {
			var item string
			item, v, _ = strings.Cut(v, ",")
			if item = trim(item); item == "" {
				continue
			}
			if !isToken(item) || len(list) == most || slices.Contains(list, item) {
				return nil, false
			}
			list = append(list, item)
		}
	}
	return list, true
}

// trim removes what HTTP allows around an element.
func trim(s string) string { return strings.Trim(s, " \t") }

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7F || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
