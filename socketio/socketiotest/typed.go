package socketiotest

import (
	"errors"

	"github.com/sockeye-io/sockeye/socketio"
)

// Next returns the payload of the next event e and takes it out of those kept;
// see [Client.Next]. To send a typed event use its own method, e.Emit(c, v).
func Next[T any](c *Client, e socketio.Event[T]) T {
	c.t.Helper()
	event := c.Next(string(e))
	v, err := e.Decode(&event.Args)
	if err != nil {
		c.t.Fatalf("%s: %v", event, err)
	}
	return v
}

// Ask calls the server's handler and returns its answer. An error that the
// handler meant for the client is a *socketio.Error; any other arrives as one
// with code "internal". Without an answer in time it is another error.
func Ask[Req, Res any](c *Client, call socketio.Call[Req, Res], req Req) (Res, error) {
	var args arguments
	if err := socketio.Event[Req](call).Emit(&args, req); err != nil {
		var none Res
		return none, err
	}
	answer, err := c.ask(string(call), args)
	if err != nil {
		var none Res
		return none, err
	}
	return call.DecodeAnswer(&answer.Args)
}

// Answer has f answer when the server makes the call, on the goroutine that
// reads the connection; see [Client.Handle]. An *socketio.Error is sent with
// its code and message, any other error fails the test.
func Answer[Req, Res any](c *Client, call socketio.Call[Req, Res], f func(req Req) (Res, error)) {
	c.Handle(string(call), func(e *Event) {
		req, err := socketio.Event[Req](call).Decode(&e.Args)
		if err != nil {
			c.t.Errorf("%s: %v", e, err)
			return
		}
		res, err := f(req)
		if err != nil {
			var public *socketio.Error
			if !errors.As(err, &public) {
				c.t.Errorf("%s: %v", e, err)
				return
			}
			e.Ack(map[string]any{"error": map[string]any{"code": public.Code, "message": public.Message, "data": public.Data}})
			return
		}
		var args arguments
		if err := socketio.Event[Res](call).Emit(&args, res); err != nil {
			c.t.Errorf("%s: %v", e, err)
			return
		}
		e.Ack(args...)
	})
}

// arguments is a socketio.Emitter that keeps what a typed event would send.
type arguments []any

func (a *arguments) Emit(_ string, args ...any) error {
	*a = args
	return nil
}
