package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/client"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// counted has an event kept as often as it comes, and h answer the nth time that
// a value comes.
func counted(io *socketio.Server, h func(s *socketio.Socket, r *socketio.Request, v string, nth int) error) (came func() []string) {
	var mu sync.Mutex
	var all []string
	io.Of("/").On("counted", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		var v string
		if err := r.Arg(0).Decode(&v); err != nil {
			return err
		}
		mu.Lock()
		nth := 1
		for _, have := range all {
			if have == v {
				nth++
			}
		}
		all = append(all, v)
		mu.Unlock()
		return h(s, r, v, nth)
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}

// With retries an event is sent until it is answered, whatever becomes of the
// answer or the connection, and the next one only then.
func TestRetries(t *testing.T) {
	for way, transports := range ways {
		t.Run(way, func(t *testing.T) {
			io, url := serve(t, nil)
			came := counted(io, func(s *socketio.Socket, r *socketio.Request, v string, nth int) error {
				switch {
				case v == "unanswered" && nth < 3:
					return nil
				case v == "cut" && nth < 3:
					s.Conn().Close(engineio.TransportClose)
					return nil
				}
				return r.Ack(v)
			})
			s := dial(t, url, &client.Options{Transports: transports, Retries: 2, AckTimeout: slow.Stretch(200 * time.Millisecond)})
			for _, v := range []string{"a", "unanswered", "b", "cut", "c"} {
				if err := s.Emit("counted", v); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Volatile().Emit("nothing"); err != nil && !errors.Is(err, client.ErrNotSent) {
				t.Errorf("a volatile event: %v", err)
			}
			answer, err := s.EmitWithAck(within(t), "counted", "last")
			if err != nil {
				t.Fatal(err)
			}
			var v string
			if err := answer.At(0).Decode(&v); err != nil || v != "last" {
				t.Errorf("answered %q, %v", v, err)
			}
			runs := strings.Join(came(), " ") // on a slow machine some come more than once
			for _, v := range []string{"a", "unanswered", "b", "cut", "c", "last"} {
				n := 0
				for strings.HasPrefix(runs, v) {
					runs = strings.TrimPrefix(strings.TrimPrefix(runs, v), " ")
					n++
				}
				if least := map[string]int{"unanswered": 3, "cut": 3}[v]; n < max(least, 1) || n > 3 {
					t.Errorf("%q came %d times in its turn: %q", v, n, came())
				}
			}
			if runs != "" {
				t.Errorf("%q came after all", runs)
			}
		})
	}
}

// What nobody answers is sent once more than there are retries; then who waits is
// told, the log where nobody does, and the next one has its turn.
func TestRetriesEnd(t *testing.T) {
	io, url := serve(t, nil)
	came := counted(io, func(_ *socketio.Socket, r *socketio.Request, v string, _ int) error {
		if v == "never" {
			return nil
		}
		return r.Ack()
	})
	log := make(lines, 10)
	s := dial(t, url, &client.Options{
		Transports: []string{client.WebSocket}, Retries: 2, AckTimeout: slow.Stretch(100 * time.Millisecond), BufferBytes: 1000,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if _, err := s.EmitWithAck(within(t), "counted", "never"); !errors.Is(err, client.ErrAckTimeout) || !strings.Contains(err.Error(), "3 times") {
		t.Errorf("given up with %v", err)
	}
	if err := s.Emit("counted", "never"); err != nil {
		t.Fatal(err)
	}
	if err := s.Emit("counted", strings.Repeat("x", 1000)); !errors.Is(err, client.ErrBufferFull) {
		t.Errorf("more than may wait: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.EmitWithAck(ctx, "counted", "not wanted"); !errors.Is(err, context.Canceled) {
		t.Errorf("without patience: %v", err)
	}
	if _, err := s.EmitWithAck(within(t), "counted", "next"); err != nil {
		t.Errorf("the next one: %v", err)
	}
	want := []string{"never", "never", "never", "never", "never", "never", "next"}
	got := came()
	for len(got) > len(want) && got[len(got)-1] == "next" {
		got = got[:len(got)-1] // on a slow machine it comes more than once
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the server got %q, want %q", got, want)
	}
	if text := next(t, log); !strings.Contains(text, "given up") || len(log) > 0 {
		t.Errorf("the log has %q", text)
	}
}

// An attempt that its caller does not wait for any more makes way, and what waits
// when the socket leaves is forgotten.
func TestRetriesAreLeft(t *testing.T) {
	io, url := serve(t, nil)
	arrived := make(chan struct{}, 10)
	counted(io, func(_ *socketio.Socket, r *socketio.Request, v string, _ int) error {
		if v == "never" {
			arrived <- struct{}{}
			return nil
		}
		return r.Ack()
	})
	s := dial(t, url, &client.Options{Transports: []string{client.WebSocket}, Retries: 1, AckTimeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ask := func(ctx context.Context) {
		_, err := s.EmitWithAck(ctx, "counted", "never")
		done <- err
	}
	go ask(ctx)
	next(t, arrived)
	cancel()
	if err := next(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.EmitWithAck(within(t), "counted", "next"); err != nil {
		t.Errorf("the next one: %v", err)
	}
	go ask(t.Context())
	next(t, arrived)
	s.Disconnect()
	if err := next(t, done); !errors.Is(err, client.ErrDisconnected) {
		t.Errorf("%v", err)
	}
	if err := s.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EmitWithAck(within(t), "counted", "again"); err != nil {
		t.Errorf("after coming back: %v", err)
	}
	select {
	case <-arrived:
		t.Error("what was forgotten was sent")
	default:
	}
}

// What is emitted when the socket connects is sent once.
func TestRetriesOnceAtConnect(t *testing.T) {
	io, url := serve(t, nil)
	came := counted(io, func(_ *socketio.Socket, r *socketio.Request, _ string, _ int) error { return r.Ack() })
	c, err := client.New(url, &client.Options{Retries: 3, AckTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s := c.Socket("/")
	s.OnConnect(func(context.Context) { _ = s.Emit("counted", "at connect") })
	_ = s.Emit("counted", "before")
	if err := s.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	for len(came()) < 2 {
		if _, err := s.EmitWithAck(within(t), string(echo), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if got := came(); !reflect.DeepEqual(got, []string{"before", "at connect"}) {
		t.Errorf("the server got %q", got)
	}
}

// lines takes what is written to a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// broken is an HTTP client, and a way to dial, that fails.
type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func (b broken) dial(context.Context, string, string) (net.Conn, error) { return nil, b.err }

// When one transport does not connect the next one is tried, if so told, and it
// stays the connection's.
func TestTryAllTransports(t *testing.T) {
	_, url := serve(t, nil)
	noWay := broken{errors.New("not this way")}
	polling := &http.Client{Transport: new(http.Transport)}
	var dials atomic.Int64
	once := func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) <= 2 { // once for each of two clients
			return nil, noWay.err
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	t.Cleanup(polling.CloseIdleConnections)
	for _, c := range []struct {
		name  string
		o     client.Options
		works string
	}{
		{"WebSocket first", client.Options{Transports: []string{client.WebSocket, client.Polling}, Dial: once, HTTP: polling}, client.Polling},
		{"polling first", client.Options{HTTP: &http.Client{Transport: noWay}}, client.WebSocket},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.NoReconnect = true
			if _, err := client.Dial(within(t), url, &c.o); !errors.Is(err, noWay.err) {
				t.Errorf("not told to try all: %v", err)
			}
			c.o.TryAllTransports = true
			s := dial(t, url, &c.o)
			if got, err := client.Ask(within(t), s, echo, "x"); err != nil || got != "x" || s.Client().Transport() != c.works {
				t.Errorf("%q over %s, %v", got, s.Client().Transport(), err)
			}
			if n := dials.Load(); n != 2 {
				t.Errorf("a WebSocket was dialled %d times", n)
			}
		})
	}
	_, err := client.Dial(within(t), url, &client.Options{NoReconnect: true, TryAllTransports: true, Dial: noWay.dial, HTTP: &http.Client{Transport: noWay}})
	if err == nil || !strings.Contains(err.Error(), "over polling") || !strings.Contains(err.Error(), "over websocket") {
		t.Errorf("with none that works: %v", err)
	}
}

// opens counts the handshakes over polling.
type opens struct {
	http.Transport
	n atomic.Int64
}

func (o *opens) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("sid") == "" {
		o.n.Add(1)
	}
	return o.Transport.RoundTrip(r)
}

// After an upgrade the next connection begins with a WebSocket, if so told, until
// one fails.
func TestRememberUpgrade(t *testing.T) {
	for _, remember := range []bool{false, true} {
		_, url := serve(t, nil)
		var fails atomic.Bool
		o := new(opens)
		t.Cleanup(o.CloseIdleConnections)
		s := dial(t, url, &client.Options{RememberUpgrade: remember, HTTP: &http.Client{Transport: o}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if fails.Load() {
				return nil, errors.New("no WebSocket now")
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}})
		connects := make(chan struct{}, 10)
		s.OnConnect(func(context.Context) { connects <- struct{}{} })
		settled := func() {
			t.Helper()
			for s.Client().Transport() != client.WebSocket {
				if _, err := client.Ask(within(t), s, echo, "x"); err != nil {
					t.Fatal(err)
				}
			}
		}
		settled()
		_ = cut.Emit(s, socketio.None{})
		next(t, connects)
		settled()
		want := int64(2)
		if remember {
			want = 1
		}
		if n := o.n.Load(); n != want {
			t.Errorf("remember %v: %d handshakes over polling, want %d", remember, n, want)
		}
		fails.Store(true)
		_ = cut.Emit(s, socketio.None{})
		next(t, connects)
		if n, transport := o.n.Load(), s.Client().Transport(); n != want+1 || transport != client.Polling {
			t.Errorf("remember %v: %d handshakes, and now over %s", remember, n, transport)
		}
	}
}
