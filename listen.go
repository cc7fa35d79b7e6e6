package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/client"
)

var listenCommand = command{
	name: "listen", args: "URL [EVENT]… [--json] [--count N] [--answer JSON] [--binary DIR] " + connectionHelp,
	help: "print the events that any Socket.IO server says; comes back after a loss",
	run:  runListen,
}

// heard is an event as --json prints it.
type heard struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	Args  []any     `json:"args"`
	Ack   bool      `json:"ack,omitempty"` // the server waits for an answer
}

func runListen(ctx context.Context, p *process, args []string) error {
	c := newConnection("listen")
	asJSON := c.set.Bool("json", false, "")
	count := c.set.Int("count", 0, "")
	answer := c.set.String("answer", "", "")
	rest, err := c.parse(args)
	switch {
	case err != nil:
		return err
	case len(rest) == 0:
		return usage("a URL is needed, as in: sockeye listen http://localhost:3000/chat (--help)")
	case *answer != "" && !json.Valid([]byte(*answer)):
		return usage("--answer is JSON: a text needs quotes of its own, as in '\"yes\"'")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s, err := c.socket(p, rest[0], client.Options{})
	if err != nil {
		return err
	}
	defer s.Client().Close()
	left := *count
	s.OnAny(func(_ context.Context, e *client.Event) {
		if len(rest) > 1 && !slices.Contains(rest[1:], e.Name) || ctx.Err() != nil {
			return
		}
		list, err := c.values(&e.Args)
		if err == nil {
			err = print(p, heard{time.Now(), e.Name, list, e.WantsAck()}, *asJSON)
		}
		if err != nil {
			cancel(err)
			return
		}
		if e.WantsAck() && *answer != "" {
			_ = e.Ack(socketio.RawJSON([]byte(*answer))) // of a lost connection nobody waits for it
		}
		if left--; left == 0 {
			cancel(nil)
		}
	})
	s.OnDisconnect(func(reason string, err error) {
		if strings.HasPrefix(reason, "io server") {
			cancel(fmt.Errorf("the server has sent this client away (%s)", reason))
		} else if ctx.Err() == nil {
			fmt.Fprintln(p.err, "sockeye listen: lost the connection:", reason)
		}
	})
	once := false
	s.OnConnectError(func(err error) {
		if !once { // what is wrong from the beginning stays so
			cancel(err)
			return
		}
		fmt.Fprintln(p.err, "sockeye listen:", err)
	})
	s.OnConnect(func(context.Context) {
		once = true
		fmt.Fprintf(p.err, "sockeye listen: connected to %s as %s\n", s.Namespace(), s.ID())
	})
	deadline := (<-chan time.Time)(nil)
	if c.timeout > 0 {
		timer := time.NewTimer(c.timeout)
		defer timer.Stop()
		deadline = timer.C
	}
	if err := s.Connect(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	select {
	case <-deadline:
		if *count > 0 {
			return exitTimeout
		}
		return nil
	case <-ctx.Done():
	}
	if err := context.Cause(ctx); err != context.Canceled {
		return err
	}
	return nil
}

// print writes an event for a script, or for a person.
func print(p *process, h heard, asJSON bool) error {
	if asJSON {
		return line(p.out, h)
	}
	text := h.Time.Format("15:04:05.000") + " " + h.Event
	for _, v := range h.Args {
		var b strings.Builder
		if err := line(&b, v); err != nil {
			return err
		}
		text += " " + strings.TrimSpace(b.String())
	}
	_, err := fmt.Fprintln(p.out, text)
	return err
}
