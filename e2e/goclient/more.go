package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/client"
)

// lose connects, has the server do something, and tells why it was disconnected.
func lose(w *world, s *client.Socket, event string, args ...any) (string, error) {
	c := make(chan string, 10)
	s.OnDisconnect(func(reason string, _ error) { c <- reason })
	if err := s.Emit(event, args...); err != nil {
		return "", err
	}
	return await(w, "disconnect", c)
}

// more is what its suite says of reconnecting, and of the ends of a connection.
var more = []scenario{
	{profile: "main", name: "comes back after a loss, with what was emitted meanwhile in order", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		back := hear(s, "echoBack")
		s.OnDisconnect(func(string, error) {
			for i := range 5 {
				_ = s.Emit("echoBack", i)
			}
		})
		id := s.ID()
		reason, err := lose(w, s, "dropTransport")
		if err != nil || !strings.HasPrefix(reason, "transport") {
			return fmt.Errorf("%s %v", reason, err)
		}
		for i := range 5 {
			got, err := next(w, back)
			if err := first(err, equal(got, float64(i))); err != nil {
				return err
			}
		}
		if s.ID() == id {
			return errors.New("with the old id")
		}
		return nil
	}},
	{profile: "main", name: "drops volatile events while it is away", run: func(w *world) error {
		s, err := w.fresh("/", client.Options{})
		if err != nil {
			return err
		}
		if err := s.Volatile().Emit("echoBack", "lost"); !errors.Is(err, client.ErrNotSent) {
			return fmt.Errorf("got %v", err)
		}
		back := hear(s, "echoBack")
		_ = s.Emit("echoBack", "kept")
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		got, err := next(w, back)
		return first(err, equal(got, "kept"))
	}},
	{profile: "main", name: "stays away when the server has said so", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		reason, err := lose(w, s, "bye", false)
		if err := first(err, equal([]any{reason}, "io server disconnect")); err != nil {
			return err
		}
		return s.Connect(w.ctx) // and comes back when told to
	}},
	{profile: "main", name: "ends what waits for an acknowledgement when it disconnects", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() {
			_, err := s.EmitWithAck(w.ctx, "noAck")
			done <- err
		}()
		if _, err := ask(w, s, "dropTransportAfterAck"); err != nil {
			return err
		}
		if err := <-done; !errors.Is(err, client.ErrDisconnected) {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}},
	{profile: "main", name: "answers the server's question", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		s.On("question", func(_ context.Context, e *client.Event) { _ = e.Ack("an answer", []byte{1, 2}) })
		got, err := ask(w, s, "ask", 2000, "x")
		return first(err, equal(got, nil, []any{"an answer", []byte{1, 2}}))
	}},
	{profile: "main", name: "takes a burst in order", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		c := hear(s, "seq")
		_ = s.Emit("burst", 800, 100, "t")
		for i := range 800 {
			got, err := next(w, c)
			if err != nil || got[1] != float64(i) {
				return fmt.Errorf("%v came at place %d: %v", got, i, err)
			}
		}
		return nil
	}},
	{profile: "main", name: "sends a burst in order, also across the upgrade", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		for i := range 500 {
			if err := s.Emit("put", "t", i); err != nil {
				return err
			}
		}
		got, err := ask(w, s, "putReport", "t")
		if err != nil {
			return err
		}
		report := got[0].(map[string]any)
		return equal([]any{report["count"], report["bad"]}, 500.0, nil)
	}},
	{profile: "main", name: "knows the server's types as they are", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		got, err := ask(w, s, "genNested")
		if err != nil {
			return err
		}
		return equal(got, map[string]any{"a": []any{[]byte{7, 38, 69}, map[string]any{"b": []byte{7, 38, 69, 100, 131}, "s": "x"}}, "z": []byte{}, "n": nil}, []byte{7, 38})
	}},
	{profile: "main", name: "takes megabytes of binary", run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		got, err := ask(w, s, "genBinary", 2_000_000)
		if err != nil {
			return err
		}
		if b, _ := got[0].([]byte); len(b) != 2_000_000 || b[1_999_999] != byte((1_999_999*31+7)&255) {
			return fmt.Errorf("%d bytes", len(b))
		}
		return nil
	}},
	{profile: "main", name: "keeps alive", ways: []string{"upgrade"}, run: func(w *world) error {
		s, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		c := make(chan string, 1)
		s.OnDisconnect(func(reason string, err error) { c <- fmt.Sprint(reason, " ", err) })
		select { // longer than one ping and its timeout
		case reason := <-c:
			return errors.New(reason)
		case <-time.After(7500 * time.Millisecond):
		}
		got, err := ask(w, s, "echo", 1)
		return first(err, equal(got, 1.0))
	}},
	{profile: "recovery", name: "is recovered, and gets what it missed", run: func(w *world) error {
		s, err := w.socket("/", client.Options{ReconnectDelay: 200 * time.Millisecond})
		if err != nil {
			return err
		}
		other, err := w.socket("/", client.Options{})
		if err != nil {
			return err
		}
		missed := hear(s, "news")
		if _, err := ask(w, s, "join", "room"); err != nil {
			return err
		}
		relay := func(text string) { _ = other.Emit("relay", map[string]any{"rooms": []string{"room"}}, "news", text) }
		relay("before")
		if _, err := next(w, missed); err != nil {
			return err
		}
		recovered := make(chan string, 1)
		s.OnConnect(func(context.Context) { recovered <- fmt.Sprint(s.Recovered()) })
		id := s.ID()
		if _, err := lose(w, s, "dropTransport"); err != nil {
			return err
		}
		relay("meanwhile")
		text, err := await(w, "connection", recovered)
		if err := first(err, equal([]any{text, s.ID()}, "true", id)); err != nil {
			return err
		}
		got, err := next(w, missed)
		if err != nil {
			return err
		}
		return equal(got[:1], "meanwhile")
	}},
}
