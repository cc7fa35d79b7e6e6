package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/client"
)

var emitCommand = command{
	name: "emit", args: "URL EVENT [JSON|@FILE|-]… [--ack] [--binary DIR] " + connectionHelp,
	help: "say an event to any Socket.IO server; with --ack print its answer",
	run:  runEmit,
}

func runEmit(ctx context.Context, p *process, args []string) error {
	c := newConnection("emit")
	ack := c.set.Bool("ack", false, "")
	rest, err := c.parse(args)
	switch {
	case err != nil:
		return err
	case len(rest) < 2:
		return usage("a URL and an event are needed, as in: sockeye emit http://localhost:3000/chat say '\"hello\"' (--help)")
	case socketio.Reserved(rest[1]):
		return usage("%q is an event of the protocol itself, which nobody can send", rest[1])
	}
	values := make([]any, 0, len(rest)-2)
	for _, text := range rest[2:] {
		v, err := argument(p, text)
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	if c.timeout == 0 {
		c.timeout = 10 * time.Second
	}
	s, err := c.socket(p, rest[0], client.Options{NoReconnect: true, Timeout: c.timeout, AckTimeout: c.timeout})
	if err != nil {
		return err
	}
	defer s.Client().Close()
	first, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := s.Connect(first); err != nil {
		return err
	}
	if !*ack {
		if err := s.Emit(rest[1], values...); err != nil {
			return err
		}
		return s.Client().Close() // when it is sent
	}
	answer, err := s.EmitWithAck(ctx, rest[1], values...)
	if errors.Is(err, client.ErrAckTimeout) {
		fmt.Fprintf(p.err, "sockeye emit: no answer to %q in time (--timeout): the server has no handler of that name in %s, or one that does not acknowledge\n", rest[1], s.Namespace())
		return exitTimeout
	}
	if err != nil {
		return err
	}
	list, err := c.values(answer)
	if err != nil {
		return err
	}
	var out any = list
	if len(list) == 1 {
		out = list[0]
	}
	if err := line(p.out, out); err != nil {
		return err
	}
	var failed struct {
		Error *struct{ Code string } `json:"error"`
	}
	if answer.Len() == 1 && answer.At(0).Decode(&failed) == nil && failed.Error != nil && failed.Error.Code != "" {
		return exitAnswered
	}
	return nil
}
