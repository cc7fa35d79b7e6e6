package socketio

import (
	"fmt"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Request is one event that a client has sent. Its arguments are still
// encoded: Scan decodes them into what the handler wants. It may be kept and
// acknowledged after the handler has returned, and used by any goroutine.
type Request struct {
	event string
	args  siowire.Args
	from  answerer // nil if no acknowledgement is wanted
	id    uint64   // of the acknowledgement
	acked atomic.Bool
}

// An answerer sends acknowledgements to where events came from. encoded is false
// if the arguments could not be encoded: then another answer can be given.
type answerer interface {
	answer(id uint64, args []any) (encoded bool, err error)
}

// Event is the event's name.
func (r *Request) Event() string { return r.event }

// Len is the number of arguments, the acknowledgement not counted.
func (r *Request) Len() int { return r.args.Len() }

// Args are the arguments; see [Args] for what it can do.
func (r *Request) Args() *Args { return &r.args }

// Arg returns argument i, counted from 0; the zero Raw if there is none.
func (r *Request) Arg(i int) Raw { return r.args.At(i) }

// Scan decodes the first arguments into what dst points to, as [encoding/json]
// would; a []byte takes binary. A nil in dst skips one. Arguments beyond
// len(dst) are ignored; a missing one, or one of another type, is an error that
// names its position, counted from 1: an [*Error] with code "invalid" is in its
// chain, so that the client of a [Call] is told that much.
func (r *Request) Scan(dst ...any) error { return scan(&r.args, dst) }

func scan(args *siowire.Args, dst []any) error {
	for i, d := range dst {
		if d == nil {
			continue
		}
		if i >= args.Len() {
			return Errorf("invalid", "argument %d is missing", i+1)
		}
		if err := args.At(i).Decode(d); err != nil {
			return &invalidArg{i + 1, err}
		}
	}
	return nil
}

// invalidArg says which argument is of the wrong type. The client is told the
// position and no more.
type invalidArg struct {
	pos int
	err error
}

func (e *invalidArg) Error() string {
	return fmt.Sprintf("socketio: argument %d: %v", e.pos, e.err)
}

func (e *invalidArg) Unwrap() []error {
	return []error{Errorf("invalid", "argument %d is not valid", e.pos), e.err}
}

// WantsAck reports whether the client, or the node, waits for an
// acknowledgement.
func (r *Request) WantsAck() bool {
	if a, ok := r.from.(*asker); ok {
		return a.to.Request != ""
	}
	return r.from != nil
}

// Namespace is where another node has sent an event of [Namespace.OnServerSide]
// to: one of its children, if that is a parent. It is nil for events of clients,
// whose Socket tells it.
func (r *Request) Namespace() *Namespace {
	if a, ok := r.from.(*asker); ok {
		return a.ns
	}
	return nil
}

// Ack acknowledges the event, once; the client gets args. It may be called from
// any goroutine, and later. If the client does not want an acknowledgement,
// nothing is sent and nil returned. The second call returns [ErrAckedTwice],
// and one after the socket was lost why that was.
func (r *Request) Ack(args ...any) error {
	if !r.WantsAck() {
		return nil
	}
	if r.acked.Swap(true) {
		return fmt.Errorf("%w: %s", ErrAckedTwice, clip.Quoted(r.event))
	}
	encoded, err := r.from.answer(r.id, args)
	if !encoded {
		r.acked.Store(false) // a Call can still say that
	}
	return err
}

// Acked reports whether Ack was called.
func (r *Request) Acked() bool { return r.acked.Load() }
