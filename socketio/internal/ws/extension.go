package ws

import "strings"

// offersDeflate looks in Sec-WebSocket-Extensions for an offer of
// permessage-deflate (RFC 7692, section 7.1) that can be accepted. window says
// that the answer has to repeat the size of the server's window.
//
// Offers are alternatives, the preferred first, and one with an unknown,
// repeated or malformed parameter is declined alone. So is one that wants a
// smaller window from us: compress/flate has one size. What the client says of
// its own window is a hint only, since we can read any.
func offersDeflate(values []string) (ok, window bool) {
	for _, v := range values {
		for v != "" {
			var offer string
			offer, v = cutUnquoted(v, ',')
			name, params := cutUnquoted(offer, ';')
			if !strings.EqualFold(trim(name), "permessage-deflate") {
				continue
			}
			if ok, window := acceptable(params); ok {
				return true, window
			}
		}
	}
	return false, false
}

func acceptable(params string) (ok, window bool) {
	var seen [4]bool
	for more := params != ""; more; more = params != "" {
		var p string
		p, params = cutUnquoted(params, ';')
		name, value, has := strings.Cut(p, "=")
		name, value = trim(name), unquote(trim(value))
		i := 0
		switch strings.ToLower(name) {
		case "server_no_context_takeover":
			ok = !has
		case "client_no_context_takeover":
			i, ok = 1, !has
		case "server_max_window_bits":
			i, ok = 2, value == "15"
			window = true
		case "client_max_window_bits":
			i, ok = 3, !has || windowBits(value)
		default:
			return false, false
		}
		if !ok || seen[i] {
			return false, false
		}
		seen[i] = true
	}
	return true, window
}

// windowBits reports whether s is a number from 8 to 15 without leading zeros.
func windowBits(s string) bool {
	switch s {
	case "8", "9", "10", "11", "12", "13", "14", "15":
		return true
	}
	return false
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
