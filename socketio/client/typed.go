package client

import (
	"context"
	"errors"

	"github.com/sockeye-io/sockeye/socketio"
)

// On has h called with the decoded payload of each such event. A payload that
// cannot be decoded, and an error of h, goes to Options.Logger. To send a typed
// event use its own method, e.Emit(s, v).
func On[T any](s *Socket, e socketio.Event[T], h func(ctx context.Context, v T) error) {
	s.On(string(e), func(ctx context.Context, event *Event) {
		v, err := e.Decode(&event.Args)
		if err == nil {
			err = h(ctx, v)
		}
		if err != nil {
			s.c.log().Warn("client: an event was not handled", "namespace", s.nsp, "event", event.Name, "error", err)
		}
	})
}

// Ask makes a call and waits for the server's answer, as [Socket.EmitWithAck]
// does. An error that the server's handler meant for the client is a
// [*socketio.Error]; any other arrives as one with code "internal".
func Ask[Req, Res any](ctx context.Context, s *Socket, call socketio.Call[Req, Res], req Req) (Res, error) {
	var none Res
	var args arguments
	if err := socketio.Event[Req](call).Emit(&args, req); err != nil {
		return none, err
	}
	answer, err := s.EmitWithAck(ctx, string(call), args...)
	if err != nil {
		return none, err
	}
	return call.DecodeAnswer(answer)
}

// Answer has h answer when the server makes the call. An [*socketio.Error] is
// sent with its code, message and data; any other error goes to Options.Logger,
// and the server learns the code "internal".
func Answer[Req, Res any](s *Socket, call socketio.Call[Req, Res], h func(ctx context.Context, req Req) (Res, error)) {
	s.On(string(call), func(ctx context.Context, event *Event) {
		var args arguments
		req, err := socketio.Event[Req](call).Decode(&event.Args)
		if err == nil {
			var res Res
			if res, err = h(ctx, req); err == nil {
				args = []any{res}
				if _, none := any(res).(socketio.None); none {
					args = nil
				}
			}
		}
		if err != nil {
			var public *socketio.Error
			if !errors.As(err, &public) {
				s.c.log().Warn("client: a call was not answered", "namespace", s.nsp, "event", event.Name, "error", err)
				public = &socketio.Error{Code: "internal", Message: "internal error"}
			}
			body := map[string]any{"code": public.Code, "message": public.Message}
			if public.Data != nil {
				body["data"] = public.Data
			}
			args = []any{map[string]any{"error": body}}
		}
		if err := event.Ack(args...); err != nil && !errors.Is(err, ErrDisconnected) && !errors.Is(err, ErrAckedTwice) {
			s.c.log().Warn("client: an answer was not sent", "namespace", s.nsp, "event", event.Name, "error", err)
		}
	})
}

// arguments is a socketio.Emitter that keeps what a typed event would send.
type arguments []any

func (a *arguments) Emit(_ string, args ...any) error {
	*a = args
	return nil
}
