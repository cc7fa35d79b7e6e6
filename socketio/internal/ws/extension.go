package ws

import "strings"

// deflateOffer is an offer of permessage-deflate that can be accepted.
type deflateOffer struct {
	ok     bool
	window uint8 // the most that our window may have, in bits; 0 if the client has not said
}

// bound is the window in bits if that is less than compress/flate's, else 0.
// flate has one size, but refers to nothing before the message: one that is
// shorter than the window keeps within it, and a longer one is to be sent as it
// is, which is always allowed (RFC 7692, section 6).
func (o deflateOffer) bound() uint8 {
	if o.window == maxWindowBits {
		return 0
	}
	return o.window
}

const maxWindowBits = 15

// findDeflate looks in Sec-WebSocket-Extensions for an offer of
// permessage-deflate (RFC 7692, section 7.1).
//
// Offers are alternatives, the preferred first, and one with an unknown,
// repeated or malformed parameter is declined alone. What the client says of
// its own window is a hint only, since we can read any.
func findDeflate(values []string) deflateOffer {
	for _, v := range values {
		for v != "" {
			var offer string
			offer, v = cutUnquoted(v, ',')
			name, params := cutUnquoted(offer, ';')
			if !strings.EqualFold(trim(name), "permessage-deflate") {
				continue
			}
			if o := acceptable(params); o.ok {
				return o
			}
		}
	}
	return deflateOffer{}
}

func acceptable(params string) (o deflateOffer) {
	var seen [4]bool
	for more := params != ""; more; more = params != "" {
		var p string
		p, params = cutUnquoted(params, ';')
		name, value, has := strings.Cut(p, "=")
		name, value = trim(name), unquote(trim(value))
		i, ok := 0, false
		switch strings.ToLower(name) {
		case "server_no_context_takeover":
			ok = !has
		case "client_no_context_takeover":
			i, ok = 1, !has
		case "server_max_window_bits":
			i = 2
			o.window, ok = windowBits(value)
		case "client_max_window_bits":
			i, ok = 3, !has
			if has {
				_, ok = windowBits(value)
			}
		}
		if !ok || seen[i] {
			return deflateOffer{}
		}
		seen[i] = true
	}
	o.ok = true
	return o
}

// windowBits reads a number from 8 to 15 without leading zeros.
func windowBits(s string) (bits uint8, ok bool) {
	switch {
	case len(s) == 1 && (s[0] == '8' || s[0] == '9'):
		return s[0] - '0', true
	case len(s) == 2 && s[0] == '1' && s[1] >= '0' && s[1] <= '5':
		return 10 + s[1] - '0', true
	}
	return 0, false
}

// cutUnquoted cuts s at the first sep that is not within a quoted string.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote takes the quotes off a value, which may not need any escape: no
// valid one does.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
