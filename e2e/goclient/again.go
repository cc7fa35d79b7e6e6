package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/client"
)

// retrying is a client that sends everything again.
func retrying(retries int, patience time.Duration) client.Options {
	return client.Options{Retries: retries, AckTimeout: patience}
}

var errNoWay = errors.New("not this way")

// noWay is a transport of polling that fails.
type noWay struct{}

func (noWay) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoWay }

// noDial fails, while it says so.
func noDial(fails *atomic.Bool) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if fails.Load() {
			return nil, errNoWay
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// handshakes counts those over polling.
type handshakes struct {
	http.Transport
	n atomic.Int64
}

func (h *handshakes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("sid") == "" {
		h.n.Add(1)
	}
	return h.Transport.RoundTrip(r)
}

// upgraded waits until the connection runs on a WebSocket.
func upgraded(w *world, s *client.Socket) error {
	for s.Client().Transport() != client.WebSocket {
		if _, err := ask(w, s, "echo", 1); err != nil {
			return err
		}
	}
	return nil
}

// again is what its suite says of the options retries, tryAllTransports and
// rememberUpgrade.
var again = []scenario{
	{profile: "main", name: "retries: keeps the order of what was emitted", run: func(w *world) error {
		s, err := w.fresh("/", retrying(1, slow.Stretch(time.Second)))
		if err != nil {
			return err
		}
		c := hear(s, "echoBack")
		type answer struct {
			n   int
			err error
		}
		answers := make(chan answer, 3)
		for i := range 3 { // as its callbacks: each is there before the next is emitted
			began := make(chan struct{})
			go func() {
				close(began)
				_, err := s.EmitWithAck(w.ctx, "echo", i)
				answers <- answer{i, err}
			}()
			<-began
		}
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		for range 3 {
			if a := <-answers; a.err != nil {
				return fmt.Errorf("%d: %w", a.n, a.err)
			}
		}
		for i := range 3 { // never acknowledged, and said once more each
			if err := s.Emit("echoBack", i); err != nil {
				return err
			}
		}
		var got []float64
		for range 6 {
			v, err := next(w, c)
			if err != nil {
				return fmt.Errorf("after %v: %w", got, err)
			}
			got = append(got, v[0].(float64))
		}
		if !slices.Equal(got, []float64{0, 0, 1, 1, 2, 2}) {
			return fmt.Errorf("got %v", got)
		}
		return nil
	}},
	{profile: "main", name: "retries: fails when the server does not acknowledge, and goes on", run: func(w *world) error {
		s, err := w.socket("/", retrying(3, slow.Stretch(100*time.Millisecond)))
		if err != nil {
			return err
		}
		begun := time.Now()
		if _, err := s.EmitWithAck(w.ctx, "noAck"); !errors.Is(err, client.ErrAckTimeout) {
			return fmt.Errorf("got %v", err)
		}
		if took := time.Since(begun); took < 4*slow.Stretch(100*time.Millisecond) {
			return fmt.Errorf("after %v", took)
		}
		got, err := ask(w, s, "echo", 1)
		return first(err, equal(got, 1.0))
	}},
	{profile: "main", name: "retries: sends again after a loss, and gives up after too many", run: func(w *world) error {
		s, err := w.socket("/", retrying(1, slow.Stretch(5*time.Second)))
		if err != nil {
			return err
		}
		lost := make(chan string, 10)
		s.OnDisconnect(func(reason string, _ error) { lost <- reason })
		if _, err := s.EmitWithAck(w.ctx, "dropTransport"); !errors.Is(err, client.ErrDisconnected) {
			return fmt.Errorf("got %v", err)
		}
		got, err := ask(w, s, "echo", 1)
		for range 2 {
			if _, late := await(w, "disconnect", lost); late != nil {
				return late
			}
		}
		return first(err, equal(got, 1.0))
	}},
	{profile: "main", name: "retries: takes what is emitted when it connects as once", run: func(w *world) error {
		s, err := w.fresh("/", retrying(3, slow.Stretch(5*time.Second)))
		if err != nil {
			return err
		}
		answers := make(chan string, 10)
		s.OnConnect(func(context.Context) {
			_, err := s.EmitWithAck(w.ctx, "echo", "x")
			answers <- fmt.Sprint(err)
		})
		if err := s.Connect(w.ctx); err != nil {
			return err
		}
		text, err := await(w, "answer", answers)
		return first(err, equal([]any{text}, "<nil>"))
	}},
	{profile: "main", name: "tries the next transport when polling fails", ways: []string{"upgrade"}, run: func(w *world) error {
		o := client.Options{HTTP: &http.Client{Transport: noWay{}}, NoReconnect: true}
		if _, err := w.socket("/", o); !errors.Is(err, errNoWay) {
			return fmt.Errorf("without being told: %v", err)
		}
		o.TryAllTransports = true
		s, err := w.socket("/", o)
		if err != nil {
			return err
		}
		got, err := ask(w, s, "echo", 1)
		return first(err, equal([]any{got[0], s.Client().Transport()}, 1.0, client.WebSocket))
	}},
	{profile: "main", name: "tries the next transport when the WebSocket fails", ways: []string{"upgrade"}, run: func(w *world) error {
		fails := new(atomic.Bool)
		fails.Store(true)
		s, err := w.socket("/", client.Options{
			Transports: []string{client.WebSocket, client.Polling}, TryAllTransports: true,
			Dial: noDial(fails), HTTP: http.DefaultClient, NoReconnect: true,
		})
		if err != nil {
			return err
		}
		fails.Store(false)
		got, err := ask(w, s, "echo", 1)
		return first(err, equal([]any{got[0], s.Client().Transport()}, 1.0, client.Polling))
	}},
	{profile: "main", name: "remembers the upgrade, until a WebSocket fails", ways: []string{"upgrade"}, run: func(w *world) error {
		h, fails := new(handshakes), new(atomic.Bool)
		defer h.CloseIdleConnections()
		s, err := w.socket("/", client.Options{RememberUpgrade: true, HTTP: &http.Client{Transport: h}, Dial: noDial(fails)})
		if err != nil {
			return err
		}
		connected := make(chan string, 10)
		s.OnConnect(func(context.Context) { connected <- "" })
		if err := upgraded(w, s); err != nil {
			return err
		}
		if _, err := lose(w, s, "dropTransport"); err != nil {
			return err
		}
		if _, err := await(w, "connection", connected); err != nil {
			return err
		}
		if n, t := h.n.Load(), s.Client().Transport(); n != 1 || t != client.WebSocket {
			return fmt.Errorf("back over %s, after %d handshakes over polling", t, n)
		}
		fails.Store(true)
		if _, err := lose(w, s, "dropTransport"); err != nil {
			return err
		}
		if _, err := await(w, "connection", connected); err != nil {
			return err
		}
		if n, t := h.n.Load(), s.Client().Transport(); n != 2 || t != client.Polling {
			return fmt.Errorf("with no WebSocket back over %s, after %d handshakes over polling", t, n)
		}
		return nil
	}},
}
