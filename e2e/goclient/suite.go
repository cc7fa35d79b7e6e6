package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sockeye-io/sockeye/socketio/client"
)

// said emits an event and expects another in answer.
func said(event string, args []any, back string, want ...any) func(w *world) error {
	return func(w *world) error {
		s, err := w.fresh("/", client.Options{})
		if err != nil {
			return err
		}
		c := hear(s, back)
		if err := s.Emit(event, args...); err != nil { // before it is connected
			return err
		}
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		got, err := next(w, c)
		return first(err, begins(got, want...))
	}
}

func answered(namespace, event string, args []any, want ...any) func(w *world) error {
	return func(w *world) error {
		s, err := w.socket(namespace, client.Options{})
		if err != nil {
			return err
		}
		got, err := ask(w, s, event, args...)
		return first(err, equal(got, want...))
	}
}

var bin = []byte("asdfasdf")

// suite is what the official client's own suite asks of a connection and of a
// socket, as far as it concerns behaviour.
var suite = []scenario{
	{profile: "client", name: "connects and is answered", run: said("hi", nil, "hi")},
	{profile: "client", name: "receives false", run: said("false", nil, "false", false)},
	{profile: "client", name: "receives utf8", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		c := hear(s, "takeUtf8")
		_ = s.Emit("getUtf8")
		for _, want := range []string{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"} {
			got, err := next(w, c)
			if err := first(err, begins(got, want)); err != nil {
				return err
			}
		}
		return nil
	}},
	{profile: "client", name: "receives a date", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		c := hear(s, "takeDateObj")
		_ = s.Emit("getDateObj")
		got, err := next(w, c)
		if err != nil {
			return err
		}
		text, _ := got[0].(map[string]any)["date"].(string)
		_, err = time.Parse(time.RFC3339, text)
		return err
	}},
	{profile: "client", name: "sends and receives binary", run: said("buffa", []any{bin}, "buffack")},
	{profile: "client", name: "receives binary", run: said("getbin", nil, "takebin", bin)},
	{profile: "client", name: "receives binary of an event of its own", run: said("doge", nil, "doge", bin)},
	{profile: "client", name: "sends binary within an object", run: said("jsonbuff", []any{map[string]any{"hello": "lol", "message": bin, "goodbye": "gotcha"}}, "jsonbuff-ack")},
	{profile: "client", name: "sends events with binary in order", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		c := hear(s, "abuff2-ack")
		_ = s.Emit("abuff1", bin)
		_ = s.Emit("abuff2", "arraybuff")
		_, err = next(w, c)
		return err
	}},
	{profile: "client", name: "is acknowledged", run: answered("/", "echo", []any{"x"}, "x")},
	{profile: "client", name: "is acknowledged with binary", run: answered("/", "echo", []any{bin}, bin)},
	{profile: "client", name: "acknowledges", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		c := hear(s, "got it")
		s.On("ack", func(_ context.Context, e *client.Event) { _ = e.Ack(5, map[string]any{"test": true}) })
		_ = s.Emit("ack")
		_, err = next(w, c)
		return err
	}},
	{profile: "client", name: "has the id that the server knows", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		got, err := ask(w, s, "getId")
		return first(err, equal(got, s.ID()))
	}},
	{profile: "client", name: "has another id in a namespace", run: func(w *world) error {
		s, err := w.socket("/foo", client.Options{})
		if err != nil {
			return err
		}
		got, err := ask(w, s, "getId")
		if s.ID() == s.Client().EngineID() {
			return errors.New("the socket's id is the connection's")
		}
		return first(err, equal(got, s.ID()))
	}},
	{profile: "client", name: "clears the id when it disconnects", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		s.Disconnect()
		if s.ID() != "" || s.Connected() {
			return errors.New("it has an id still")
		}
		return nil
	}},
	{profile: "client", name: "connects to several namespaces", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		for _, name := range []string{"/foo", "/valid", "/asd"} {
			if err := s.Client().Socket(name).Connect(w.ctx); err != nil {
				return err
			}
		}
		got, err := ask(w, s.Client().Socket("/foo"), "getId")
		return first(err, equal(got, s.Client().Socket("/foo").ID()))
	}},
	{profile: "client", name: "is refused by a namespace's middleware", run: func(w *world) error {
		_, err := w.socket("/no", client.Options{})
		var refused *client.ConnectError
		if !errors.As(err, &refused) || refused.Message != "Auth failed (custom namespace)" {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}},
	{profile: "client", name: "is refused by the main namespace's middleware", run: func(w *world) error {
		_, err := w.socket("/", client.Options{Query: url.Values{"fail": {"true"}}})
		var refused *client.ConnectError
		if !errors.As(err, &refused) || refused.Message != "Auth failed (main namespace)" {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}},
	{profile: "client", name: "is refused a namespace that there is not, and keeps the others", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		var refused *client.ConnectError
		if err := s.Client().Socket("/none").Connect(w.ctx); !errors.As(err, &refused) || refused.Message != "Invalid namespace" {
			return fmt.Errorf("got %v", err)
		}
		got, err := ask(w, s, "echo", 1)
		return first(err, equal(got, 1.0))
	}},
	{profile: "client", name: "stays connected when another namespace is left, and comes back to it", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		foo := s.Client().Socket("/foo")
		if err := foo.Connect(w.ctx); err != nil {
			return err
		}
		id := s.Client().EngineID()
		foo.Disconnect()
		got, err := ask(w, s, "echo", 1)
		if err := first(err, equal(got, 1.0), foo.Connect(w.ctx)); err != nil {
			return err
		}
		if s.Client().EngineID() != id {
			return errors.New("over another connection")
		}
		return nil
	}},
	{profile: "client", name: "closes the connection with its last socket, and opens it again", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		s.Disconnect()
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		if _, err := ask(w, s, "getId"); err != nil && !errors.Is(err, client.ErrDisconnected) {
			return err
		}
		return nil
	}},
	{profile: "client", name: "sends its auth", run: func(w *world) error {
		s, err := w.fresh("/abc", client.Options{Auth: map[string]any{"a": "b"}})
		if err != nil {
			return err
		}
		c := hear(s, "handshake")
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		got, err := next(w, c)
		if err != nil {
			return err
		}
		return equal([]any{got[0].(map[string]any)["auth"]}, map[string]any{"a": "b"})
	}},
	{profile: "client", name: "asks a function for its auth", run: func(w *world) error {
		s, err := w.fresh("/abc", client.Options{AuthFunc: func(_ context.Context, nsp string) (any, error) { return map[string]any{"nsp": nsp}, nil }})
		if err != nil {
			return err
		}
		c := hear(s, "handshake")
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		got, err := next(w, c)
		if err != nil {
			return err
		}
		return equal([]any{got[0].(map[string]any)["auth"]}, map[string]any{"nsp": "/abc"})
	}},
	{profile: "client", name: "sends its query", run: func(w *world) error {
		s, err := w.fresh("/abc", client.Options{Query: url.Values{"b": {"c&d"}}})
		if err != nil {
			return err
		}
		c := hear(s, "handshake")
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		got, err := next(w, c)
		if err != nil {
			return err
		}
		return equal([]any{got[0].(map[string]any)["query"].(map[string]any)["b"]}, "c&d")
	}},
	{profile: "client", name: "does not wait for an acknowledgement longer than told", run: func(w *world) error {
		s, err := w.socket("/", client.Options{AckTimeout: 50 * time.Millisecond})
		if err != nil {
			return err
		}
		if _, err := s.EmitWithAck(context.Background(), "unknown"); !errors.Is(err, client.ErrAckTimeout) {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}},
	{profile: "client", name: "takes nothing for an acknowledgement that is late", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(w.ctx, time.Nanosecond)
		defer cancel()
		if _, err := s.EmitWithAck(ctx, "echo", 1); !errors.Is(err, client.ErrAckTimeout) {
			return fmt.Errorf("got %v", err)
		}
		got, err := ask(w, s, "echo", 2)
		return first(err, equal(got, 2.0))
	}},
	{profile: "client", name: "calls the handlers of any event", run: func(w *world) error {
		s, err := w.fresh("/", client.Options{})
		if err != nil {
			return err
		}
		c := make(chan string, 10)
		s.OnAny(func(_ context.Context, e *client.Event) { c <- e.Name })
		_ = s.Emit("hi")
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		name, err := await(w, "event", c)
		return first(err, equal([]any{name}, "hi"))
	}},
	{profile: "client", name: "refuses reserved names", run: func(w *world) error {
		s, err := w.fresh("/", client.Options{})
		if err == nil && s.Emit("disconnecting") == nil {
			err = errors.New("it was sent")
		}
		return err
	}},
}
