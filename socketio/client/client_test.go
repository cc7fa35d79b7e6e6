package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
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

const (
	echo    socketio.Call[string, string]               = "echo"
	fails   socketio.Call[socketio.None, string]        = "fails"
	said    socketio.Event[string]                      = "said"
	blob    socketio.Event[[]byte]                      = "blob"
	asked   socketio.Call[int, int]                     = "asked"
	number  socketio.Event[int]                         = "number"
	nobody  socketio.Event[socketio.None]               = "nobody answers"
	kick    socketio.Event[socketio.None]               = "kick"
	cut     socketio.Event[socketio.None]               = "cut"
	back    socketio.Event[map[string]any]              = "auth"
	nothing socketio.Call[socketio.None, socketio.None] = "nothing"
)

// serve starts a server on a port of its own.
func serve(t *testing.T, opts *socketio.Options) (*socketio.Server, string) {
	t.Helper()
	io := socketio.New(opts)
	for _, name := range []string{"/", "/other"} {
		ns := io.Of(name)
		ns.Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Handshake().Auth()["refuse"] == true {
				return socketio.Errorf("no", "not you").With(map[string]any{"retry": false})
			}
			return nil
		})
		ns.OnConnect(func(_ context.Context, s *socketio.Socket) { _ = back.Emit(s, s.Handshake().Auth()) })
		echo.On(ns, func(_ context.Context, _ *socketio.Socket, text string) (string, error) { return text, nil })
		fails.On(ns, func(context.Context, *socketio.Socket, socketio.None) (string, error) {
			return "", socketio.Errorf("bad_luck", "never works").With(3)
		})
		nothing.On(ns, func(context.Context, *socketio.Socket, socketio.None) (n socketio.None, err error) { return n, nil })
		said.On(ns, func(_ context.Context, s *socketio.Socket, text string) error { return said.Emit(s, text) })
		blob.On(ns, func(_ context.Context, s *socketio.Socket, b []byte) error { return blob.Emit(s, b) })
		number.On(ns, func(ctx context.Context, s *socketio.Socket, n int) error {
			m, err := asked.EmitWithAck(ctx, s, n)
			if err != nil {
				m = -1
			}
			return number.Emit(s, m)
		})
		nobody.On(ns, func(context.Context, *socketio.Socket, socketio.None) error { return nil })
		kick.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error { s.Disconnect(false); return nil })
		cut.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
			s.Conn().Close(engineio.TransportClose)
			return nil
		})
	}
	srv := httptest.NewServer(io)
	t.Cleanup(func() {
		_ = io.Close()
		srv.Close()
	})
	return io, srv.URL
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(10*time.Second))
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, url string, o *client.Options) *client.Socket {
	t.Helper()
	if o == nil {
		o = &client.Options{}
	}
	if o.ReconnectDelay == 0 {
		o.ReconnectDelay = time.Millisecond
	}
	s, err := client.Dial(within(t), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Client().Close() })
	return s
}

func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-within(t).Done():
		t.Fatal("nothing came in time")
		panic("not reached")
	}
}

func hear[T any](s *client.Socket, e socketio.Event[T]) <-chan T {
	c := make(chan T, 1000)
	client.On(s, e, func(_ context.Context, v T) error { c <- v; return nil })
	return c
}

var ways = map[string][]string{
	"polling": {client.Polling}, "websocket": {client.WebSocket}, "upgrade": {client.Polling, client.WebSocket},
}

// What is said goes and comes over each transport, in order, whatever it is.
func TestTalking(t *testing.T) {
	for way, transports := range ways {
		for parser, p := range map[string]socketio.Parser{"json": nil, "msgpack": &socketio.MsgpackParser{}} {
			t.Run(way+" "+parser, func(t *testing.T) {
				_, url := serve(t, &socketio.Options{Parser: p})
				s := dial(t, url, &client.Options{Transports: transports, Parser: p})
				ctx := within(t)
				if text, err := client.Ask(ctx, s, echo, "é<"); text != "é<" || err != nil {
					t.Errorf("%q %v", text, err)
				}
				var public *socketio.Error
				if _, err := client.Ask(ctx, s, fails, socketio.None{}); !errors.As(err, &public) || public.Code != "bad_luck" {
					t.Errorf("%v", err)
				}
				if _, err := client.Ask(ctx, s, nothing, socketio.None{}); err != nil {
					t.Error(err)
				}
				texts, blobs, numbers := hear(s, said), hear(s, blob), hear(s, number)
				client.Answer(s, asked, func(_ context.Context, n int) (int, error) {
					if n == 13 {
						return 0, socketio.Errorf("unlucky", "no")
					}
					return 2 * n, nil
				})
				for i := range 200 {
					if err := said.Emit(s, fmt.Sprint(i)); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 200 {
					if got := next(t, texts); got != fmt.Sprint(i) {
						t.Fatalf("%s came instead of %d", got, i)
					}
				}
				for _, n := range []int{0, 3, 200, 70_000} {
					want := bytes.Repeat([]byte{0, 255, 30}, n)
					if err := blob.Emit(s, want); err != nil {
						t.Fatal(err)
					}
					if got := next(t, blobs); !bytes.Equal(got, want) {
						t.Errorf("%d bytes came back as %d", len(want), len(got))
					}
				}
				for n, want := range map[int]int{4: 8, 13: -1} {
					if err := number.Emit(s, n); err != nil {
						t.Fatal(err)
					}
					if got := next(t, numbers); got != want {
						t.Errorf("%d: %d", n, got)
					}
				}
				if want := transports[len(transports)-1]; s.Client().Transport() != want && way != "upgrade" {
					t.Errorf("it runs on %s", s.Client().Transport())
				}
			})
		}
	}
}

// Nothing is lost or turned around while the transport changes.
func TestUpgradeKeepsOrder(t *testing.T) {
	_, url := serve(t, nil)
	for range 10 {
		s := dial(t, url, nil)
		texts := hear(s, said)
		for n := 0; s.Client().Transport() != client.WebSocket || n < 50; n++ {
			if err := said.Emit(s, fmt.Sprint(n)); err != nil {
				t.Fatal(err)
			}
			if got := next(t, texts); got != fmt.Sprint(n) {
				t.Fatalf("%s came instead of %d", got, n)
			}
		}
		_ = s.Client().Close()
	}
}

func TestNamespacesShareTheConnection(t *testing.T) {
	io, url := serve(t, nil)
	s := dial(t, url, nil)
	other := s.Client().Socket("other")
	if other != s.Client().Socket("/other") {
		t.Error("two sockets of one namespace")
	}
	if err := other.Connect(within(t)); err != nil {
		t.Fatal(err)
	}
	if io.Engine().Len() != 1 || s.ID() == other.ID() || other.Namespace() != "/other" {
		t.Errorf("%d connections, %q and %q", io.Engine().Len(), s.ID(), other.ID())
	}
	s.Disconnect()
	if text, err := client.Ask(within(t), other, echo, "still"); text != "still" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	if err := s.Connect(within(t)); err != nil { // over the same connection
		t.Fatal(err)
	}
	if text, err := client.Ask(within(t), s, echo, "again"); text != "again" || err != nil {
		t.Errorf("%q %v", text, err)
	}
}

// Each failure to connect says what is wrong and what to do.
func TestRefusals(t *testing.T) {
	_, url := serve(t, nil)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fine/" {
			fmt.Fprint(w, "<h1>hello</h1>")
			return
		}
		http.NotFound(w, r)
	}))
	defer elsewhere.Close()
	_, strict := serve(t, &socketio.Options{Engine: socketio.EngineOptions{Transports: []string{client.Polling}}})
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		url  string
		o    client.Options
		says string
	}{
		{url + "/nowhere", client.Options{}, `no namespace "/nowhere": look for a misspelling`},
		{url, client.Options{Auth: map[string]any{"refuse": true}}, `not you`},
		{elsewhere.URL, client.Options{}, "is the server mounted at another path (Options.Path)"},
		{elsewhere.URL, client.Options{Path: "/fine/"}, "this is no Socket.IO server"},
		{elsewhere.URL, client.Options{Path: "/fine/", Transports: []string{client.WebSocket}}, "this is no Socket.IO server"},
		{gone.URL, client.Options{}, "is the server running"},
		{gone.URL, client.Options{Transports: []string{client.WebSocket}}, "is the server running"},
		{url, client.Options{Header: http.Header{"Origin": {"https://evil.example"}}}, "most often for its origin"},
		{url, client.Options{Header: http.Header{"Origin": {"https://evil.example"}}, Transports: []string{client.WebSocket}}, "most often for its origin"},
		{strict, client.Options{Transports: []string{client.WebSocket}}, "choose another with Options.Transports"},
		{url, client.Options{AuthFunc: func(context.Context, string) (any, error) { return nil, errors.New("no token") }}, "no token"},
		{"ftp://host", client.Options{}, "no address of a server"},
		{"http://", client.Options{}, "names no host"},
		{url, client.Options{Transports: []string{"pigeon"}}, "there are polling and websocket"},
	} {
		c.o.NoReconnect = true
		s, err := client.Dial(within(t), c.url, &c.o)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.url, err, c.says)
		}
		if err == nil {
			_ = s.Client().Close()
		}
	}
	if _, err := client.New(url+"/chat", nil); err == nil || !strings.Contains(err.Error(), "for Dial or Socket") {
		t.Errorf("%v", err)
	}
	var refused *client.ConnectError
	_, err := client.Dial(within(t), url, &client.Options{Auth: map[string]any{"refuse": true}})
	if !errors.As(err, &refused) || string(refused.Data) == "" {
		t.Errorf("%v", err)
	}
}

// A connection that is lost is made anew, with new auth; what was emitted
// meanwhile arrives in its order, and what is volatile does not.
func TestComesBack(t *testing.T) {
	for way, transports := range ways {
		t.Run(way, func(t *testing.T) {
			io, url := serve(t, nil)
			var tokens atomic.Int64
			s := dial(t, url, &client.Options{Transports: transports, AuthFunc: func(context.Context, string) (any, error) {
				return map[string]any{"token": tokens.Add(1)}, nil
			}})
			texts, auths := hear(s, said), hear(s, back)
			reasons := make(chan string, 10)
			connects := make(chan struct{}, 10)
			s.OnDisconnect(func(reason string, _ error) {
				for i := range 3 {
					_ = said.Emit(s, fmt.Sprint(i))
				}
				if err := said.Emit(s.Volatile(), "volatile"); !errors.Is(err, client.ErrNotSent) && s.ID() == "" {
					t.Errorf("volatile: %v", err)
				}
				reasons <- reason
			})
			s.OnConnect(func(context.Context) { connects <- struct{}{} })
			id := s.ID()
			if err := cut.Emit(s, socketio.None{}); err != nil {
				t.Fatal(err)
			}
			if reason := next(t, reasons); !strings.HasPrefix(reason, "transport") {
				t.Errorf("reason %q", reason)
			}
			next(t, connects)
			if s.ID() == id {
				t.Error("the id is the old one")
			}
			for i := range 3 {
				if got := next(t, texts); got != fmt.Sprint(i) {
					t.Errorf("%s came instead of %d", got, i)
				}
			}
			for auth := next(t, auths); auth["token"] != 2.0; auth = next(t, auths) {
				if auth["token"] != 1.0 {
					t.Fatalf("auth %v", auth)
				}
			}
			// The server's word is final.
			_ = kick.Emit(s, socketio.None{})
			if reason := next(t, reasons); reason != "io server disconnect" {
				t.Errorf("reason %q", reason)
			}
			if err := s.Connect(within(t)); err != nil {
				t.Errorf("coming back on purpose: %v", err)
			}
			if n := io.SocketCount(); n != 1 {
				t.Errorf("%d sockets", n)
			}
		})
	}
}

// The state that the server keeps is taken up: the same id, and what was missed.
func TestRecovers(t *testing.T) {
	io, url := serve(t, &socketio.Options{Recovery: &socketio.Recovery{}})
	s := dial(t, url, &client.Options{Transports: []string{client.WebSocket}, ReconnectDelay: 50 * time.Millisecond})
	texts := hear(s, said)
	_ = said.Emit(s, "first")
	next(t, texts)
	connects := make(chan bool, 1)
	s.OnConnect(func(context.Context) { connects <- s.Recovered() })
	s.OnDisconnect(func(string, error) { _ = said.Emit(io, "missed") })
	id := s.ID()
	_ = cut.Emit(s, socketio.None{})
	if !next(t, connects) || s.ID() != id {
		t.Error("not recovered")
	}
	if got := next(t, texts); got != "missed" {
		t.Errorf("%q", got)
	}
}

func TestAcksEnd(t *testing.T) {
	_, url := serve(t, nil)
	s := dial(t, url, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.EmitWithAck(ctx, string(nobody)); !errors.Is(err, client.ErrAckTimeout) {
		t.Errorf("%v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.EmitWithAck(context.Background(), string(nobody))
		done <- err
	}()
	_ = cut.Emit(s, socketio.None{})
	if _, err := s.EmitWithAck(within(t), string(nobody)); err == nil {
		t.Error("answered")
	}
	if err := next(t, done); !errors.Is(err, client.ErrDisconnected) && !errors.Is(err, client.ErrAckTimeout) {
		t.Errorf("%v", err)
	}
	canceled, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.EmitWithAck(canceled, string(nobody)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What waits for a connection is bounded, and nothing is left after Close.
func TestBufferAndClose(t *testing.T) {
	c, err := client.New("http://127.0.0.1:1", &client.Options{BufferBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Socket("/")
	for range 5 {
		err = said.Emit(s, strings.Repeat("x", 30))
	}
	if !errors.Is(err, client.ErrBufferFull) {
		t.Errorf("%v", err)
	}
	if err := s.Emit("connect"); !errors.Is(err, socketio.ErrReservedEvent) {
		t.Errorf("%v", err)
	}
	if err := s.Emit("x", make(chan int)); err == nil {
		t.Error("a channel was sent")
	}
	ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(500*time.Millisecond))
	defer cancel()
	if err := s.Connect(ctx); err == nil || !strings.Contains(err.Error(), "is the server running") {
		t.Errorf("%v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Connect(within(t)); !errors.Is(err, client.ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := said.Emit(s, ""); !errors.Is(err, client.ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// All of it from many goroutines, while the connection comes and goes.
func TestManyGoroutines(t *testing.T) {
	_, url := serve(t, nil)
	s := dial(t, url, nil)
	other := s.Client().Socket("/other")
	s.OnAny(func(context.Context, *client.Event) {})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				switch (i + n) % 7 {
				case 0:
					_ = cut.Emit(s, socketio.None{})
				case 1:
					_ = other.Connect(within(t))
				case 2:
					other.Disconnect()
				case 3:
					s.On("x", func(context.Context, *client.Event) {})
					s.Off("x")
				default:
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					_, _ = client.Ask(ctx, s, echo, "x")
					cancel()
				}
			}
		})
	}
	all.Wait()
	for ctx := within(t); ; { // a cut may be under way
		text, err := client.Ask(ctx, s, echo, "well")
		if text == "well" && err == nil {
			return
		}
		if !errors.Is(err, client.ErrDisconnected) || ctx.Err() != nil {
			t.Fatalf("%q %v", text, err)
		}
	}
}

// A handler's panic is its own.
func TestHandlers(t *testing.T) {
	_, url := serve(t, nil)
	s := dial(t, url, nil)
	var order []string
	done := make(chan struct{})
	s.On("said", func(context.Context, *client.Event) { order = append(order, "first"); panic("mine") })
	s.On("said", func(context.Context, *client.Event) { t.Error("called after a panic") })
	s.OnAny(func(_ context.Context, e *client.Event) {
		if e.Name != "said" {
			return
		}
		if order = append(order, "any"); len(order) == 3 {
			close(done)
		}
		if err := e.Ack(); !errors.Is(err, client.ErrAckedTwice) || e.WantsAck() {
			t.Errorf("%v", err)
		}
	})
	_ = said.Emit(s, "a")
	_ = said.Emit(s, "b")
	next(t, done)
	_ = s.Client().Close() // the second one's panic, too
	if !slices.Equal(order, []string{"any", "first", "any", "first"}) {
		t.Errorf("%v", order)
	}
}
