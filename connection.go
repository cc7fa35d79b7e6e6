package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/client"
)

// Exit codes of emit and listen, beside 0, 1 (could not connect, or was sent
// away) and 2 (wrong usage).
const (
	exitAnswered exitCode = 3 // the answer is {"error":…}
	exitTimeout  exitCode = 4 // nothing came in time
)

// connection is the options with which emit and listen connect.
type connection struct {
	set       *flag.FlagSet
	auth      string
	namespace string
	transport string
	path      string
	header    http.Header
	msgpack   bool
	timeout   time.Duration
	binary    string

	files int // written so far
}

const connectionHelp = "[--namespace /x] [--auth JSON] [--transport polling|websocket] [--header 'K: V'] [--path /socket.io/] [--msgpack] [--timeout 10s]"

func newConnection(name string) *connection {
	c := &connection{set: flag.NewFlagSet(name, flag.ContinueOnError), header: http.Header{}}
	c.set.SetOutput(io.Discard)
	c.set.StringVar(&c.auth, "auth", "", "")
	c.set.StringVar(&c.namespace, "namespace", "", "")
	c.set.StringVar(&c.transport, "transport", "", "")
	c.set.StringVar(&c.path, "path", "", "")
	c.set.StringVar(&c.binary, "binary", "", "")
	c.set.BoolVar(&c.msgpack, "msgpack", false, "")
	c.set.DurationVar(&c.timeout, "timeout", 0, "")
	c.set.Func("header", "", func(text string) error {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return errors.New("write 'Name: value'")
		}
		c.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		return nil
	})
	return c
}

// parse takes options wherever they stand, and returns the rest. A negative
// number is no option.
func (c *connection) parse(args []string) (rest []string, err error) {
	for len(args) > 0 {
		if args[0] == "--" {
			return append(rest, args[1:]...), nil
		}
		if _, err := strconv.ParseFloat(args[0], 64); err == nil || !strings.HasPrefix(args[0], "-") || args[0] == "-" {
			rest, args = append(rest, args[0]), args[1:]
			continue
		}
		name, _, _ := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
		if c.set.Lookup(name) == nil {
			return nil, helpOr(args[0], "%q is not an option of %s (--help)", args[0], c.set.Name())
		}
		if err := c.set.Parse(args[:1]); err != nil { // without a value of its own
			if len(args) == 1 {
				return nil, usage("%v", err)
			}
			if err := c.set.Parse(args[:2]); err != nil {
				return nil, usage("%v", err)
			}
			args = args[1:]
		}
		args = args[1:]
	}
	return rest, nil
}

// socket is one for what a command names as URL. It does not connect yet.
func (c *connection) socket(p *process, address string, o client.Options) (*client.Socket, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, usage("%v", err)
	}
	namespace := u.Path
	if c.namespace != "" {
		namespace = c.namespace
	}
	u.Path, u.RawPath = "", ""
	o.Path, o.Header = c.path, c.header
	o.Logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelError}))
	switch c.transport {
	case "":
	case client.Polling, client.WebSocket:
		o.Transports = []string{c.transport}
	default:
		return nil, usage("there is no transport %q: there are polling and websocket; without, it begins with one and changes to the other", c.transport)
	}
	if c.msgpack {
		o.Parser = new(socketio.MsgpackParser)
	}
	if c.auth != "" {
		if err := json.Unmarshal([]byte(c.auth), new(map[string]any)); err != nil {
			return nil, usage(`--auth is a JSON object, as in '{"token":"x"}': %v`, err)
		}
		o.Auth = json.RawMessage(c.auth)
	}
	own, err := client.New(u.String(), &o)
	if err != nil {
		return nil, usageError{err}
	}
	return own.Socket(namespace), nil
}

// argument reads one argument of an event.
func argument(p *process, text string) (any, error) {
	what, data := text, []byte(text)
	name, isFile := strings.CutPrefix(text, "@")
	switch {
	case text == "-":
		var err error
		if data, err = io.ReadAll(p.in); err != nil {
			return nil, err
		}
		what = "standard input"
	case isFile:
		var err error
		if data, err = os.ReadFile(name); err != nil {
			return nil, usage("%v", err)
		}
		if filepath.Ext(name) != ".json" {
			return data, nil
		}
		what = name
	}
	if !json.Valid(data) {
		return nil, usage("%.60s is no JSON: a text needs quotes of its own, as in '\"hello\"'; a file's bytes are @FILE", what)
	}
	return socketio.RawJSON(data), nil
}

// plain makes values into what can be written as JSON: binary goes to a file, or
// is shown as base64.
func (c *connection) plain(v any) (any, error) {
	switch v := v.(type) {
	case []byte:
		if c.binary == "" {
			return map[string]any{"base64": v}, nil
		}
		if err := os.MkdirAll(c.binary, 0o755); err != nil {
			return nil, err
		}
		for {
			c.files++
			name := filepath.Join(c.binary, fmt.Sprintf("%d.bin", c.files))
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, os.ErrExist) {
				continue
			}
			if err == nil {
				_, err = f.Write(v)
				err = errors.Join(err, f.Close())
			}
			return map[string]any{"file": name, "bytes": len(v)}, err
		}
	case []any:
		for i := range v {
			var err error
			if v[i], err = c.plain(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			var err error
			if v[k], err = c.plain(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// values decodes arguments for people and scripts.
func (c *connection) values(args *socketio.Args) ([]any, error) {
	list := []any{}
	for i := range args.Len() {
		var v any
		if raw := args.At(i); !holdsBinary(raw) {
			if text, ok := raw.JSON(); ok {
				list = append(list, json.RawMessage(text)) // as it came, large numbers too
				continue
			}
		}
		if err := args.At(i).Decode(&v); err != nil {
			return nil, err
		}
		v, err := c.plain(v)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// holdsBinary reports whether a value's text is not all there is of it.
func holdsBinary(raw socketio.Raw) bool {
	text, ok := raw.JSON()
	return !ok || strings.Contains(string(text), "_placeholder")
}

func line(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
