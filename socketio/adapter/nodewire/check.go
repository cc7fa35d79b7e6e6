package nodewire

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// What a message may have, in either direction.
const (
	maxNames       = 10_000 // rooms that it is for, or not for, or that are joined
	maxName        = 4 << 10
	maxID          = 64
	maxAttachments = 10_000
	maxDepth       = 1_000 // of values
	envelope       = 4     // how much deeper a message is than its values
	maxPositions   = 100_000
	maxBytes       = 16 << 20
)

var (
	errData   = errors.New("nodewire: the data is no list of JSON values")
	errEvent  = errors.New("nodewire: the data does not begin with an event's name")
	errNames  = errors.New("nodewire: a name is too long, or there are too many")
	errNS     = errors.New("nodewire: the namespace does not begin with a slash, or is too long")
	errID     = errors.New("nodewire: an id is missing, or has characters that it cannot have")
	errBinary = errors.New("nodewire: more binaries than a message may have")
)

// check tells what of m cannot be sent. first is the first value of its data.
func check(m *adapter.Message) (first []byte, values int, err error) {
	switch {
	case !okNS(m.NS):
		return nil, 0, errNS
	case !okID(m.From), m.To != "" && !okID(m.To), m.Request == "" && mustAsk(m.Kind), m.Request != "" && !okID(m.Request):
		return nil, 0, errID
	case !okNames(m.Rooms), !okNames(m.Except), !okNames(m.Names):
		return nil, 0, errNames
	case len(m.Data.Attachments) > maxAttachments:
		return nil, 0, errBinary
	case !hasData(m.Kind):
		return nil, 0, nil
	}
	if first, values, err = list(m.Data.Text, len(m.Data.Attachments), m.Kind == adapter.Broadcast); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errData, err)
	}
	if m.Kind == adapter.Broadcast && !isEvent(first, true) || m.Kind == adapter.ServerSide && !isEvent(first, false) {
		return nil, 0, errEvent
	}
	return first, values, nil
}

// list checks that text is an array, and returns its first element and how many
// it has. clients: it is for them.
func list(text []byte, attachments int, clients bool) (first []byte, n int, err error) {
	var s value.Scanner
	s.Init(text, maxDepth)
	switch {
	case attachments == 0:
	case clients:
		s.Binaries(attachments)
	default:
		s.Escaped(attachments)
	}
	i, err := s.OpenArray(0)
	for ; i >= 0 && err == nil; n++ {
		end, err := s.Value(i)
		if err != nil {
			return nil, 0, err
		}
		if n == 0 {
			first = text[i:end]
		}
		if i, err = s.NextElement(end); err != nil {
			return nil, 0, err
		}
	}
	return first, n, err
}

// isEvent reports whether a list whose first value is first, in JSON, is an
// event: one that clients' parsers take, if it is for clients.
func isEvent(first []byte, clients bool) bool {
	if name, ok := value.Text(first); ok {
		return !clients || !siowire.Reserved(name)
	}
	return clients && len(first) > 0 && (first[0] == '-' || first[0] >= '0' && first[0] <= '9')
}

// mustAsk reports whether a message of kind k is a question or an answer.
func mustAsk(k adapter.Kind) bool {
	switch k {
	case adapter.Fetch, adapter.IDs, adapter.Rooms, adapter.Has:
		return true
	}
	return k.Answers()
}

func hasData(k adapter.Kind) bool {
	switch k {
	case adapter.Broadcast, adapter.ServerSide, adapter.ServerSideAnswer, adapter.ClientAck, adapter.FetchAnswer, adapter.IDsAnswer, adapter.RoomsAnswer:
		return true
	}
	return false
}

func okNS(ns string) bool { return strings.HasPrefix(ns, "/") && len(ns) <= maxName }

// okID reports whether s may be a node's id, or a question's: it is part of
// channels' names.
func okID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

func okNames(list []string) bool {
	if len(list) > maxNames {
		return false
	}
	for _, s := range list {
		if len(s) > maxName {
			return false
		}
	}
	return true
}
