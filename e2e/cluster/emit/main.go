// Command emit sends what it reads, a JSON object a line, to the clients of a
// cluster, and prints "ok" or an error for each.
//
//	emit URL PREFIX
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter/byurl"
	"github.com/sockeye-io/sockeye/socketio/emitter"
)

// command is a line. A text among the arguments that begins with "hex:" is binary.
type command struct {
	Do                   string
	NSP                  string
	Rooms, Except, Names []string
	Close                bool
	Event                string
	Args                 []any
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	a, err := byurl.New(os.Args[1], byurl.Options{Prefix: os.Args[2]})
	if err != nil {
		return err
	}
	e, err := emitter.New(a)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		if err := c.carryOut(e); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return e.Close(ctx)
}

func (c command) carryOut(e *emitter.Emitter) error {
	for i, arg := range c.Args {
		text, _ := arg.(string)
		if digits, ok := strings.CutPrefix(text, "hex:"); ok {
			b, err := hex.DecodeString(digits)
			if err != nil {
				return err
			}
			c.Args[i] = b
		}
	}
	to := e.Of(c.NSP).To(c.Rooms...).Except(c.Except...)
	switch c.Do {
	case "emit":
		return to.Emit(c.Event, c.Args...)
	case "join":
		return to.SocketsJoin(c.Names...)
	case "leave":
		return to.SocketsLeave(c.Names...)
	case "disconnect":
		return to.DisconnectSockets(c.Close)
	case "serverSide":
		return to.ServerSideEmit(c.Event, c.Args...)
	}
	return fmt.Errorf("there is no %q", c.Do)
}
