package socketiotest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// An Event is one that the server has emitted, or the acknowledgement of one
// that the client has.
type Event struct {
	Name string // "" of an acknowledgement
	Args socketio.Args

	c     *Client
	id    uint64
	hasID bool
}

// Len returns the number of arguments.
func (e *Event) Len() int { return e.Args.Len() }

// Arg returns argument i, counted from 0; the zero Raw if there is none.
func (e *Event) Arg(i int) socketio.Raw { return e.Args.At(i) }

// Scan decodes the first arguments into what dst points to. Anything amiss
// fails the test.
func (e *Event) Scan(dst ...any) {
	e.c.t.Helper()
	for i, d := range dst {
		if i >= e.Len() {
			e.c.t.Fatalf("%s has no argument %d", e, i+1)
		}
		if err := e.Arg(i).Decode(d); err != nil {
			e.c.t.Fatalf("argument %d of %s: %v", i+1, e, err)
		}
	}
}

// WantsAck reports whether the server waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.hasID }

// Ack answers the server. It fails the test if the server does not want an
// answer; if the client is gone meanwhile it does nothing.
func (e *Event) Ack(args ...any) {
	e.c.t.Helper()
	if !e.hasID {
		e.c.t.Errorf("%s wants no acknowledgement", e)
		return
	}
	err := e.c.send(siowire.Outgoing{Type: siowire.Ack, ID: e.id, HasID: true, Args: args})
	if errors.Is(err, errEncoding) { // any other is the connection's end, which the reader may not have seen yet
		e.c.t.Errorf("acknowledging %s: %v", e, err)
	}
}

// String shows the event as it would be written in JavaScript, its arguments
// cut: message("hello", 5).
func (e *Event) String() string {
	var b strings.Builder
	name := e.Name
	if name == "" {
		name = "ack"
	}
	b.WriteString(name)
	b.WriteByte('(')
	for i, a := range e.Args.All() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	b.WriteByte(')')
	return b.String()
}

// A ConnectError is what the server refused a namespace with.
type ConnectError struct {
	Message string      `json:"message"`
	Data    siowire.Raw `json:"data"` // the zero Raw if there is none
}

func (e *ConnectError) Error() string {
	if e.Data.IsZero() {
		return "connect error: " + e.Message
	}
	return fmt.Sprintf("connect error: %s %s", e.Message, e.Data)
}
