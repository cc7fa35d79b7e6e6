package emitapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

const (
	maxName      = 1024 // bytes of the name of a namespace, room or event
	maxArguments = 256
	maxDepth     = 64 // of arrays and objects in a request
)

// A field of a request: where it goes, and what it has to be.
type field struct {
	name  string
	into  any
	wants string
}

// target is whom a call is about.
type target struct {
	namespace     string
	rooms, except []string
}

func (t *target) address(srv *socketio.Server) socketio.Broadcast {
	return srv.Address(t.namespace).To(t.rooms...).Except(t.except...)
}

// parse reads a request that has the members of t, and fields. An error says
// what to write; example is a whole request.
func parse(h *Handler, body []byte, example string, t *target, fields ...field) error {
	t.namespace = "/"
	fields = append([]field{
		{"namespace", &t.namespace, `a string, such as "/chat"`},
		{"rooms", &t.rooms, `an array of strings, such as ["lobby"]`},
		{"except", &t.except, `an array of strings, such as ["muted"]`},
	}, fields...)
	switch {
	case !utf8.Valid(body):
		return bad("the body must be UTF-8")
	case tooDeep(body):
		return bad("arrays and objects are at most " + strconv.Itoa(maxDepth) + " deep")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return bad("the body must be a JSON object, such as " + example + where(err))
	}
	for name, raw := range members {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return bad(clip.Quoted(name) + " is no member of this call: there are " + names(fields))
		}
		f := fields[i]
		if err := json.Unmarshal(raw, f.into); err != nil || string(raw) == "null" {
			return bad(strconv.Quote(f.name) + " must be " + f.wants)
		}
	}
	return t.check(h.opts.MaxNames)
}

// where says where JSON is broken.
func where(err error) string {
	if broken := (*json.SyntaxError)(nil); errors.As(err, &broken) {
		return fmt.Sprintf(" (it is no JSON at byte %d)", broken.Offset)
	}
	return ""
}

func names(fields []field) string {
	var list []string
	for _, f := range fields {
		list = append(list, f.name)
	}
	return strings.Join(list, ", ")
}

func (t *target) check(most int) error {
	if !strings.HasPrefix(t.namespace, "/") || len(t.namespace) > maxName || strings.ContainsAny(t.namespace, ",?") {
		return bad(`"namespace" begins with a slash, has no comma or question mark, and at most ` + strconv.Itoa(maxName) + ` bytes, such as "/chat"`)
	}
	if len(t.rooms)+len(t.except) > most {
		return bad(`"rooms" and "except" are at most ` + strconv.Itoa(most) + " names together: send several requests")
	}
	for _, list := range [][]string{t.rooms, t.except} {
		for _, name := range list {
			if name == "" || len(name) > maxName {
				return bad(`a name in "rooms" or "except" has 1 to ` + strconv.Itoa(maxName) + " bytes")
			}
		}
	}
	return nil
}

// tooDeep reports whether text, if it is JSON, is deeper than we take. It is
// looked at before anything recursive is.
func tooDeep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// binary is the only member of an object that stands for a binary value.
const binary = "$binary"

// argument is what is emitted for a JSON value: the text as it came, unless there
// is binary in it.
func argument(raw json.RawMessage) (any, error) {
	if !bytes.Contains(raw, []byte(binary)) && !bytes.ContainsRune(raw, '\\') {
		return socketio.RawJSON(raw), nil
	}
	v, _, err := withBinary(raw)
	return v, err
}

// withBinary looks for binary in a JSON value, and reports whether there is any.
func withBinary(raw json.RawMessage) (v any, found bool, err error) {
	switch raw[0] { // json.Unmarshal leaves no space before it
	case '{':
		v, found, err = objectWithBinary(raw)
	case '[':
		v, found, err = arrayWithBinary(raw)
	}
	if !found && err == nil {
		v = socketio.RawJSON(raw) // with its members in their order
	}
	return v, found, err
}

func objectWithBinary(raw json.RawMessage) (any, bool, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, false, err
	}
	if text, ok := members[binary]; ok && len(members) == 1 {
		var b64 string
		if err := json.Unmarshal(text, &b64); err == nil {
			if data, err := base64.StdEncoding.Strict().DecodeString(b64); err == nil {
				return data, true, nil
			}
		}
		return nil, false, bad(`{"` + binary + `":…} is a binary value: its member must be base64 with padding, such as "AAEC/w=="`)
	}
	object, found := make(map[string]any, len(members)), false
	for name, value := range members {
		v, has, err := withBinary(value)
		if err != nil {
			return nil, false, err
		}
		object[name], found = v, found || has
	}
	return object, found, nil
}

func arrayWithBinary(raw json.RawMessage) (any, bool, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, false, err
	}
	list, found := make([]any, len(values)), false
	for i, value := range values {
		v, has, err := withBinary(value)
		if err != nil {
			return nil, false, err
		}
		list[i], found = v, found || has
	}
	return list, found, nil
}
