// Command goclient drives a conformance server with the client in Go, as the
// official client's own suite drives it with that one. Its arguments are
// PROFILE=URL; it prints a line for each scenario and ends with 1 if one fails.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/client"
)

// scenario is one thing that a client does.
type scenario struct {
	profile, name string
	ways          []string // nil: all
	run           func(w *world) error
}

// world is where a scenario runs.
type world struct {
	ctx  context.Context
	url  string
	way  string
	made []*client.Client
}

var ways = map[string][]string{
	"polling": {client.Polling}, "websocket": {client.WebSocket}, "upgrade": {client.Polling, client.WebSocket},
}

func main() {
	urls := map[string]string{}
	for _, arg := range os.Args[1:] {
		profile, url, _ := strings.Cut(arg, "=")
		urls[profile] = url
	}
	ran, failed := 0, 0
	for _, s := range slices.Concat(suite, more, again) {
		url := urls[s.profile]
		if url == "" {
			fmt.Printf("FAIL %s: no server with profile %s\n", s.name, s.profile)
			failed++
			continue
		}
		for _, way := range []string{"polling", "websocket", "upgrade"} {
			if s.ways != nil && !slices.Contains(s.ways, way) {
				continue
			}
			ran++
			if err := try(s, url, way); err != nil {
				failed++
				fmt.Printf("FAIL %s (%s): %v\n", s.name, way, err)
			} else {
				fmt.Printf("ok   %s (%s)\n", s.name, way)
			}
		}
	}
	fmt.Printf("%d scenarios, %d failed\n", ran, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func try(s scenario, url, way string) error {
	ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(10*time.Second))
	defer cancel()
	w := &world{ctx: ctx, url: url, way: way}
	defer func() {
		for _, c := range w.made {
			_ = c.Close()
		}
	}()
	return s.run(w)
}

// socket makes a client of its own, and connects it to a namespace.
func (w *world) socket(namespace string, o client.Options) (*client.Socket, error) {
	s, err := w.fresh(namespace, o)
	if err == nil {
		err = s.Connect(w.ctx)
	}
	return s, err
}

func (w *world) fresh(namespace string, o client.Options) (*client.Socket, error) {
	if o.Transports == nil {
		o.Transports = ways[w.way]
	}
	if o.ReconnectDelay == 0 {
		o.ReconnectDelay = 10 * time.Millisecond
	}
	c, err := client.New(w.url, &o)
	if err != nil {
		return nil, err
	}
	w.made = append(w.made, c)
	return c.Socket(namespace), nil
}

// hear returns the events of a name as they come.
func hear(s *client.Socket, event string) <-chan *client.Event {
	c := make(chan *client.Event, 1000)
	s.On(event, func(_ context.Context, e *client.Event) { c <- e })
	return c
}

// next is the next one, decoded.
func next(w *world, c <-chan *client.Event) ([]any, error) {
	select {
	case e := <-c:
		return values(e)
	case <-w.ctx.Done():
		return nil, fmt.Errorf("nothing came in time")
	}
}

func values(e *client.Event) (list []any, err error) {
	for i := range e.Args.Len() {
		var v any
		if err := e.Args.At(i).Decode(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// ask returns the acknowledgement, decoded.
func ask(w *world, s *client.Socket, event string, args ...any) (list []any, err error) {
	answer, err := s.EmitWithAck(w.ctx, event, args...)
	if err != nil {
		return nil, err
	}
	for i := range answer.Len() {
		var v any
		if err := answer.At(i).Decode(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// begins is equal for events of a server with recovery, whose offset comes after
// what was said, as official clients see it too.
func begins(got []any, want ...any) error {
	if len(got) < len(want) {
		return equal(got, want...)
	}
	return equal(got[:len(want):len(want)], want...)
}

func equal(got []any, want ...any) error {
	if len(got)+len(want) == 0 {
		return nil
	}
	if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
		return fmt.Errorf("got %#v, want %#v", got, want)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func await(w *world, what string, c <-chan string) (string, error) {
	select {
	case text := <-c:
		return text, nil
	case <-w.ctx.Done():
		return "", fmt.Errorf("no %s in time", what)
	}
}
