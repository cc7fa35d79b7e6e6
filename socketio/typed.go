package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"reflect"
)

// None is the payload of an event without arguments, and the answer of a [Call]
// that answers with nothing but that it is done.
type None struct{}

// Positional is embedded in a payload struct whose other fields travel as
// separate arguments, in order: socket.emit("move", x, y) in JavaScript is
//
//	type Move struct {
//		socketio.Positional
//		X, Y int
//	}
//
// Fields with the tag `json:"-"` stay out; all others must be exported, or On
// and Emit panic. All must be there when they come, and what comes behind them
// is ignored.
type Positional struct{}

// An Event is the name of an event together with the type of its payload: said
// by either side, or both. Constants of it can be shared by all goroutines.
//
//	const Say socketio.Event[Line] = "chat message"
//
// The payload is the event's one argument, encoded as [encoding/json] would,
// but for a []byte, which is binary. [Positional] makes several arguments of
// it, [None] stands for no argument, and a T of [Raw] leaves it as it came.
type Event[T any] string

// On has h called with the decoded payload of every such event. A payload that
// cannot be decoded, or that Options.Validate refuses, is the event's error and
// h is not called. What h returns is as with a [Handler]. It panics if the name
// is reserved, or registered with another type.
func (e Event[T]) On(r Registrar, h func(ctx context.Context, s *Socket, v T) error) {
	e.on(r, false, h)
}

// Once is On for the first such event of each socket.
func (e Event[T]) Once(r Registrar, h func(ctx context.Context, s *Socket, v T) error) {
	e.on(r, true, h)
}

func (e Event[T]) on(r Registrar, once bool, h func(context.Context, *Socket, T) error) {
	p := planOf(reflect.TypeFor[T]())
	g := r.registered()
	g.note(string(e), "event", reflect.TypeFor[T](), reflect.TypeFor[T](), nil)
	g.on(string(e), func(ctx context.Context, s *Socket, r *Request) error {
		var v T
		if err := p.decode(s.conn.srv, &r.args, &v); err != nil {
			return err
		}
		return h(ctx, s, v)
	}, once)
}

// Emit sends the event with its payload; see [Emitter].
func (e Event[T]) Emit(to Emitter, v T) error {
	return to.Emit(string(e), planOf(reflect.TypeFor[T]()).encode(v)...)
}

// Decode decodes the arguments of such an event, as On does for a handler, but
// without Options.Validate. It is for clients: see package socketiotest.
func (e Event[T]) Decode(args *Args) (T, error) {
	var v T
	err := planOf(reflect.TypeFor[T]()).decode(nil, args, &v)
	return v, err
}

// A Call is an event that is answered: the name, and the types of question and
// answer. The answer travels as the one argument of the acknowledgement: the
// value, or {"error":{"code","message","data"}}; with an answer of [None] there
// is no argument. For the question see [Event].
//
//	const Rename socketio.Call[string, User] = "rename"
type Call[Req, Res any] string

// On has h answer the client. An [*Error] reaches it with code, message and
// data, and OnError is not told; of any other error, and of a panic, the client
// learns only the code "internal", and OnError the rest. A payload that cannot
// be decoded, or that Options.Validate refuses, is an Error with code
// "invalid". A name has one handler: a second panics.
func (c Call[Req, Res]) On(r Registrar, h func(ctx context.Context, s *Socket, req Req) (Res, error)) {
	p := planOf(reflect.TypeFor[Req]())
	g := r.registered()
	g.note(string(c), "call", reflect.TypeFor[Call[Req, Res]](), reflect.TypeFor[Req](), reflect.TypeFor[Res]())
	g.on(string(c), func(ctx context.Context, s *Socket, r *Request) error {
		res, err := c.answer(ctx, s, r, p, h)
		if err == nil {
			err = r.Ack(answerOf(res)...)
			if err == nil {
				return nil
			}
		}
		var public *Error
		if ackErr := r.Ack(failure(err)); ackErr != nil && !errors.Is(ackErr, ErrAckedTwice) && !errors.Is(ackErr, ErrDisconnected) {
			err = errors.Join(err, ackErr)
		}
		if errors.As(err, &public) {
			return nil // it was meant for the client, and the client has it
		}
		return err
	}, false)
}

func (c Call[Req, Res]) answer(ctx context.Context, s *Socket, r *Request, p *plan, h func(context.Context, *Socket, Req) (Res, error)) (res Res, err error) {
	defer s.conn.srv.contain("handler", &err)
	var req Req
	if err := p.decode(s.conn.srv, &r.args, &req); err != nil {
		return res, err
	}
	return h(ctx, s, req)
}

// EmitWithAck makes the call in the other direction: the client answers. If it
// answers with {"error":…}, that is the error, an [*Error] with the client's
// words; see also [Socket.EmitWithAck].
func (c Call[Req, Res]) EmitWithAck(ctx context.Context, s *Socket, req Req) (Res, error) {
	a, err := s.EmitWithAck(ctx, string(c), planOf(reflect.TypeFor[Req]()).encode(req)...)
	if err != nil {
		var none Res
		return none, err
	}
	return result[Res](s.conn.srv, a)
}

// Collect asks all that are addressed and yields their answers; see
// [Broadcast.EmitWithAck]. A client that has answered with {"error":…}, or with
// what cannot be decoded, is a pair with that error, and the loop goes on: only a
// [*MissingAcksError] ends it.
func (c Call[Req, Res]) Collect(ctx context.Context, b Broadcast, req Req) iter.Seq2[Res, error] {
	answers := b.EmitWithAck(ctx, string(c), planOf(reflect.TypeFor[Req]()).encode(req)...)
	return func(yield func(Res, error) bool) {
		for a, err := range answers {
			var res Res
			if err == nil {
				res, err = result[Res](b.ns.srv, a)
			}
			if !yield(res, err) {
				return
			}
		}
	}
}

// DecodeAnswer decodes the acknowledgement that answers the call, as
// EmitWithAck does: {"error":…} is an [*Error]. It is for clients: see package
// socketiotest.
func (c Call[Req, Res]) DecodeAnswer(args *Args) (Res, error) {
	return result[Res](nil, Ack{args: *args})
}

// failure is what a client gets instead of an answer.
func failure(err error) any {
	e := publicError(err)
	body := map[string]any{"code": e.Code, "message": e.Message}
	if e.Data != nil {
		body["data"] = e.Data
	}
	return map[string]any{"error": body}
}

func answerOf(res any) []any {
	if _, ok := res.(None); ok {
		return nil
	}
	return []any{res}
}

func result[Res any](srv *Server, a Ack) (Res, error) {
	var res Res
	if _, ok := any(res).(None); ok && a.Len() == 0 {
		return res, nil
	}
	var failed struct {
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Data    any    `json:"data"`
		} `json:"error"`
	}
	if a.Len() == 1 && a.Arg(0).Decode(&failed) == nil && failed.Error != nil {
		return res, &Error{Code: failed.Error.Code, Message: failed.Error.Message, Data: failed.Error.Data}
	}
	err := planOf(reflect.TypeFor[Res]()).decode(srv, &a.args, &res)
	return res, err
}

// A Key is the name and type of a value kept on sockets; see [Socket.Set].
//
//	const Me socketio.Key[User] = "me"
type Key[T any] string

// Set keeps v on s.
func (k Key[T]) Set(s *Socket, v T) { s.Set(string(k), v) }

// Get returns what is kept on s, and whether it is there and of this type. What
// has come from another node with its client came as JSON, and is read as that.
func (k Key[T]) Get(s *Socket) (T, bool) {
	v, there := s.Get(string(k))
	t, ok := v.(T)
	if !ok && there && s.travelled() {
		if b, err := json.Marshal(v); err == nil && json.Unmarshal(b, &t) == nil {
			s.mu.Lock()
			s.data[string(k)] = t
			s.mu.Unlock()
			return t, true
		}
	}
	return t, ok
}

// Delete forgets it.
func (k Key[T]) Delete(s *Socket) { s.Delete(string(k)) }
