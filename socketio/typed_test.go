package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func quiet() *socketio.Options { return &socketio.Options{Logger: slog.New(slog.DiscardHandler)} }

// bubble runs f with fake time, on each transport.
func bubble(t *testing.T, f func(t *testing.T, o *socketiotest.Options)) {
	for _, transport := range []string{socketiotest.WebSocket, socketiotest.Polling} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, &socketiotest.Options{Transport: transport}) })
		})
	}
}

type move struct {
	socketio.Positional
	X, Y  int
	Label string
	Pic   []byte
	Note  string `json:"-"`
}

type pointer struct {
	Name string `json:"name"`
	Next *pointer
}

// TestTypedEvents sends payloads of every shape there and back.
func TestTypedEvents(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		var (
			none  socketio.Event[socketio.None]  = "none"
			str   socketio.Event[string]         = "str"
			list  socketio.Event[[]int]          = "list"
			tree  socketio.Event[*pointer]       = "tree"
			anys  socketio.Event[any]            = "any"
			raw   socketio.Event[siowire.Raw]    = "raw"
			bin   socketio.Event[[]byte]         = "bin"
			moved socketio.Event[move]           = "move"
			dict  socketio.Event[map[string]any] = "dict"
			late  socketio.Event[time.Time]      = "late"
		)
		s := socketiotest.Serve(t, io)
		c := s.Connect(o)
		reflects(t, io, c, none, socketio.None{})
		reflects(t, io, c, str, "é\u2028\"")
		reflects(t, io, c, list, []int{1, -2, 1 << 30})
		reflects(t, io, c, tree, &pointer{"a", &pointer{"b", nil}})
		reflects(t, io, c, tree, nil)
		reflects[any](t, io, c, anys, map[string]any{"b": []byte{1}, "l": []any{1.0, nil, "x"}})
		reflects(t, io, c, bin, []byte{0, 255})
		reflects(t, io, c, moved, move{X: 1, Y: -1, Label: "x", Pic: []byte{9}})
		reflects(t, io, c, dict, map[string]any{"_placeholder": true, "num": 5.0})
		reflects(t, io, c, late, time.UnixMilli(1_700_000_000_123).UTC())

		raw.On(io.Of("/"), func(_ context.Context, s *socketio.Socket, v siowire.Raw) error { return raw.Emit(s, v) })
		if err := c.Emit("raw", map[string]any{"deep": []any{[]byte("x")}}); err != nil {
			t.Fatal(err)
		}
		var back map[string][][]byte
		c.Next("raw").Scan(&back)
		if string(back["deep"][0]) != "x" {
			t.Error(back)
		}

		// On the wire a Positional is several arguments, None is none.
		if err := moved.Emit(io, move{X: 3, Label: "l", Note: "not sent"}); err != nil {
			t.Fatal(err)
		}
		if got := c.Next("move").String(); got != `move(3, 0, "l", null)` {
			t.Error(got)
		}
		if err := none.Emit(io, socketio.None{}); err != nil {
			t.Fatal(err)
		}
		if got := c.Next("none"); got.Len() != 0 {
			t.Error(got)
		}
	})
}

// reflects has the server send back what the client says.
func reflects[T any](t *testing.T, io *socketio.Server, c *socketiotest.Client, e socketio.Event[T], v T) {
	t.Helper()
	var heard T
	e.Once(io.Of("/"), func(_ context.Context, s *socketio.Socket, got T) error {
		heard = got
		return e.Emit(s, got)
	})
	if err := e.Emit(c, v); err != nil {
		t.Fatal(err)
	}
	if got := socketiotest.Next(c, e); !reflect.DeepEqual(got, v) || !reflect.DeepEqual(heard, v) {
		t.Errorf("%s: %#v became %#v and %#v", e, v, heard, got)
	}
	synctest.Wait()
	if more := c.Events(); len(more) > 0 {
		t.Errorf("%s: more came: %v", e, more)
	}
}

// TestTypedCallErrors: what a client learns of an error, and what OnError does.
func TestTypedCallErrors(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		const (
			public   socketio.Call[int, int]                     = "public"
			internal socketio.Call[int, int]                     = "internal"
			panics   socketio.Call[int, int]                     = "panics"
			nothing  socketio.Call[socketio.None, socketio.None] = "nothing"
			wrapped  socketio.Call[int, int]                     = "wrapped"
			odd      socketio.Call[int, chan int]                = "odd"
		)
		var failures []string
		opts := quiet()
		opts.Validate = func(v any) error {
			if p, ok := v.(*pointer); ok && p.Name == "" {
				return errors.New("name is required")
			}
			return nil
		}
		io := socketio.New(opts)
		io.OnError(func(_ context.Context, s *socketio.Socket, event string, err error) {
			failures = append(failures, event+": "+err.Error())
		})
		ns := io.Of("/")
		public.On(ns, func(context.Context, *socketio.Socket, int) (int, error) {
			return 0, socketio.Errorf("no_way", "not %d", 7).With([]string{"x"})
		})
		wrapped.On(ns, func(context.Context, *socketio.Socket, int) (int, error) {
			return 0, fmt.Errorf("inside: %w", socketio.Errorf("deep", "x"))
		})
		internal.On(ns, func(context.Context, *socketio.Socket, int) (int, error) { return 0, errors.New("password is hunter2") })
		panics.On(ns, func(context.Context, *socketio.Socket, int) (int, error) { panic("boom") })
		nothing.On(ns, func(context.Context, *socketio.Socket, socketio.None) (socketio.None, error) {
			return socketio.None{}, nil
		})
		odd.On(ns, func(context.Context, *socketio.Socket, int) (chan int, error) { return make(chan int), nil })
		valid := socketio.Call[pointer, string]("valid")
		valid.On(ns, func(_ context.Context, _ *socketio.Socket, p pointer) (string, error) { return p.Name, nil })

		c := socketiotest.Serve(t, io).Connect(o)
		var e *socketio.Error
		if _, err := socketiotest.Ask(c, public, 1); !errors.As(err, &e) || e.Code != "no_way" || e.Message != "not 7" || fmt.Sprint(e.Data) != "[x]" {
			t.Error(err)
		}
		if _, err := socketiotest.Ask(c, wrapped, 1); !errors.As(err, &e) || e.Code != "deep" {
			t.Error(err)
		}
		for _, call := range []socketio.Call[int, int]{internal, panics} {
			if _, err := socketiotest.Ask(c, call, 1); !errors.As(err, &e) || e.Code != "internal" || strings.Contains(err.Error(), "hunter2") {
				t.Error(call, err)
			}
		}
		if got := c.Ask("odd", 1).String(); !strings.Contains(got, `"internal"`) {
			t.Error("an answer that cannot be encoded:", got)
		}
		if _, err := socketiotest.Ask(c, nothing, socketio.None{}); err != nil {
			t.Error(err)
		}
		if got := c.Ask("public", "not a number").String(); !strings.Contains(got, `"invalid"`) || strings.Contains(got, "Go value") {
			t.Error(got)
		}
		if got := c.Ask("public").String(); !strings.Contains(got, `"invalid"`) || !strings.Contains(got, "missing") {
			t.Error(got)
		}
		if _, err := socketiotest.Ask(c, valid, pointer{}); !errors.As(err, &e) || e.Code != "invalid" || !strings.Contains(e.Message, "required") {
			t.Error(err)
		}
		if name, err := socketiotest.Ask(c, valid, pointer{Name: "n"}); err != nil || name != "n" {
			t.Error(name, err)
		}
		// Without an acknowledgement nothing is sent, and nothing breaks.
		if err := c.Emit("public", 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := c.Events(); len(got) > 0 {
			t.Error(got)
		}
		for _, want := range []string{"internal: password is hunter2", "panics: socketio: panic: boom", "odd: "} {
			if !strings.Contains(strings.Join(failures, "\n"), want) {
				t.Errorf("OnError was not told %q: %q", want, failures)
			}
		}
		for _, f := range failures {
			if strings.HasPrefix(f, "public: no_way") || strings.HasPrefix(f, "valid: invalid") {
				t.Errorf("OnError was told what was meant for the client: %s", f)
			}
		}
	})
}

// TestCallsOfTheServer: the same Call in the other direction.
func TestCallsOfTheServer(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		const where socketio.Call[move, pointer] = "where"
		io := socketio.New(quiet())
		s := socketiotest.Serve(t, io)
		a, b, silent := s.Connect(o), s.Connect(o), s.Connect(o)
		socketiotest.Answer(a, where, func(m move) (pointer, error) { return pointer{Name: fmt.Sprint("a", m.X, string(m.Pic))}, nil })
		socketiotest.Answer(b, where, func(m move) (pointer, error) { return pointer{}, socketio.Errorf("lost", "no idea") })
		socket := func(c *socketiotest.Client) *socketio.Socket {
			sock, ok := io.Of("/").Socket(c.ID())
			if !ok {
				t.Fatal("no socket", c.ID())
			}
			return sock
		}
		if p, err := where.EmitWithAck(t.Context(), socket(a), move{X: 4, Pic: []byte("!")}); err != nil || p.Name != "a4!" {
			t.Error(p, err)
		}
		var e *socketio.Error
		if _, err := where.EmitWithAck(t.Context(), socket(b), move{}); !errors.As(err, &e) || e.Code != "lost" {
			t.Error(err)
		}
		start := time.Now()
		if _, err := where.EmitWithAck(t.Context(), socket(silent), move{}); !errors.Is(err, socketio.ErrAckTimeout) || time.Since(start) != 30*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := where.EmitWithAck(ctx, socket(silent), move{}); !errors.Is(err, socketio.ErrAckTimeout) || time.Since(start) != 31*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		answers, failures, missing := 0, 0, 0
		for p, err := range where.Collect(t.Context(), io.Timeout(time.Second), move{X: 1}) {
			var m *socketio.MissingAcksError
			switch {
			case errors.As(err, &m):
				missing = m.Missing
			case errors.As(err, &e):
				failures++
			case err == nil && p.Name == "a1":
				answers++
			default:
				t.Error(p, err)
			}
		}
		if answers != 1 || failures != 1 || missing != 1 {
			t.Errorf("%d answers, %d failures, %d missing", answers, failures, missing)
		}
	})
}

// TestDoubleRegistration: a contradiction is found at start-up, and both places
// are named.
func TestDoubleRegistration(t *testing.T) {
	ns := socketio.New(quiet()).Of("/")
	nobody := func(context.Context, *socketio.Socket, int) error { return nil }
	answer := func(context.Context, *socketio.Socket, int) (int, error) { return 0, nil }
	socketio.Event[int]("e").On(ns, nobody)
	socketio.Event[int]("e").On(ns, nobody) // the same twice is fine
	socketio.Call[int, int]("c").On(ns, answer)
	for name, again := range map[string]func(){
		"another type": func() {
			socketio.Event[string]("e").On(ns, func(context.Context, *socketio.Socket, string) error { return nil })
		},
		"a call":           func() { socketio.Call[int, int]("e").On(ns, answer) },
		"a second handler": func() { socketio.Call[int, int]("c").On(ns, answer) },
		"another answer": func() {
			socketio.Call[int, string]("c").On(ns, func(context.Context, *socketio.Socket, int) (string, error) { return "", nil })
		},
		"an event after it": func() { socketio.Event[int]("c").On(ns, nobody) },
	} {
		said := panics(again)
		if places := regexp.MustCompile(`typed_test\.go:\d+`).FindAllString(said, -1); len(places) != 2 || places[0] == places[1] {
			t.Errorf("%s: %q", name, said)
		}
	}
	for name, f := range map[string]func(){
		"reserved":             func() { socketio.Event[int]("connect").On(ns, nobody) },
		"reserved, disconnect": func() { ns.On("disconnect", nil) },
		"nil handler":          func() { ns.On("x", nil) },
		"unexported field": func() {
			type hidden struct {
				socketio.Positional
				_ int
			}
			socketio.Event[hidden]("hidden").On(ns, func(context.Context, *socketio.Socket, hidden) error { return nil })
		},
	} {
		if panics(f) == "" {
			t.Errorf("%s: no panic", name)
		}
	}
	// Another namespace is another matter.
	other := socketio.New(quiet()).Of("/")
	socketio.Event[string]("e").On(other, func(context.Context, *socketio.Socket, string) error { return nil })
}

func panics(f func()) (said string) {
	defer func() {
		if v := recover(); v != nil {
			said = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func TestKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const me socketio.Key[pointer] = "me"
		const other socketio.Key[int] = "me"
		io := socketio.New(quiet())
		c := socketiotest.Connect(t, io)
		s, _ := io.Of("/").Socket(c.ID())
		if _, ok := me.Get(s); ok {
			t.Error("there is one already")
		}
		me.Set(s, pointer{Name: "x"})
		if v, ok := me.Get(s); !ok || v.Name != "x" {
			t.Error(v, ok)
		}
		if v, ok := other.Get(s); ok {
			t.Error("of another type:", v)
		}
		if data := s.Data(); len(data) != 1 {
			t.Error(data)
		}
		me.Delete(s)
		if _, ok := me.Get(s); ok {
			t.Error("still there")
		}
	})
}
