// Command wire writes and reads messages between nodes, in the forms of Node's
// adapters, for the test that compares with these: a JSON object a line.
//
//	wire encode SEED N   N messages of each kind and form, and what is to be understood
//	wire decode          reads messages from standard input, and writes what they are
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

// A line is a message: on a channel, or as the entry of a stream.
type line struct {
	Adapter string            `json:"adapter"`
	Kind    string            `json:"kind,omitempty"`
	NS      string            `json:"ns,omitempty"`
	Request string            `json:"request,omitempty"`
	Channel string            `json:"channel,omitempty"`
	Hex     string            `json:"hex,omitempty"`
	Entry   map[string]string `json:"entry,omitempty"`
	Want    map[string]any    `json:"want,omitempty"`
}

func main() {
	log.SetFlags(0)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	enc := json.NewEncoder(out)
	switch {
	case len(os.Args) == 4 && os.Args[1] == "encode":
		seed, err := strconv.ParseUint(os.Args[2], 10, 64)
		n, err2 := strconv.Atoi(os.Args[3])
		if err != nil || err2 != nil {
			log.Fatal("wire encode SEED N")
		}
		encode(newGenerator(seed), n, enc)
	case len(os.Args) == 2 && os.Args[1] == "decode":
		if err := decode(enc); err != nil {
			log.Fatal(err)
		}
	default:
		log.Fatal("wire encode SEED N | wire decode")
	}
}

func encode(g generator, n int, enc *json.Encoder) {
	for range n {
		for _, k := range kinds {
			for _, to := range []string{"classic", "sharded", "streams"} {
				m, want := g.message(k, to == "classic")
				l := line{Adapter: to, Kind: k.String(), NS: m.NS, Request: m.Request, Want: want}
				if err := l.fill(m); err != nil {
					log.Fatalf("%s, %s: %v", k, to, err)
				}
				if err := enc.Encode(l); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
}

// fill writes the message. <uid> in a channel's name is the reader's.
func (l *line) fill(m *adapter.Message) (err error) {
	var b []byte
	switch c := (nodewire.Channels{Prefix: "socket.io"}); {
	case l.Adapter == "classic" && m.Kind == adapter.Broadcast && m.Request == "":
		l.Channel = c.Broadcast(m)
		b, err = nodewire.AppendClassic(nil, m)
	case l.Adapter == "classic" && m.Kind.Answers():
		l.Channel = c.Response(m.NS, "<uid>")
		b, err = nodewire.AppendClassic(nil, m)
	case l.Adapter == "classic":
		l.Channel = c.Request(m.NS)
		b, err = nodewire.AppendClassic(nil, m)
	case l.Adapter == "streams" && !nodewire.Ephemeral(m):
		if b, err = nodewire.AppendEntry(nil, m); err != nil {
			return err
		}
		l.Entry = map[string]string{}
		for f := nodewire.EntryFields(nil, b); len(f) > 0; f = f[2:] {
			l.Entry[f[0]] = f[1]
		}
		return nil
	default:
		if l.Channel = "socket.io#" + m.NS + "#"; m.Kind.Answers() {
			l.Channel += "<uid>#"
		}
		if l.Adapter == "streams" {
			b, err = nodewire.AppendSharedMsgpack(nil, m)
		} else {
			b, err = nodewire.AppendShared(nil, m)
		}
	}
	l.Hex = hex.EncodeToString(b)
	return err
}

func decode(enc *json.Encoder) error {
	r := nodewire.Reader{Self: "nobody", Prefix: "socket.io"}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return err
		}
		m, err := l.read(&r)
		if err == nil && m == nil {
			err = fmt.Errorf("not taken")
		}
		got := map[string]any{}
		if err != nil {
			got["error"] = err.Error()
		} else {
			got = map[string]any{"kind": m.Kind.String(), "ns": m.NS, "from": m.From, "rooms": append([]string{}, m.Rooms...), "except": append([]string{}, m.Except...)}
			if m.Data.Text != nil {
				got["data"] = json.RawMessage(withHex(m.Data))
			}
		}
		if err := enc.Encode(got); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (l *line) read(r *nodewire.Reader) (*adapter.Message, error) {
	if l.Entry != nil {
		var e nodewire.Entry
		for name, val := range l.Entry {
			e.Set(name, val)
		}
		return r.Entry(&e)
	}
	b, err := hex.DecodeString(l.Hex)
	if err != nil {
		return nil, err
	}
	if l.Adapter == "classic" {
		return r.Classic(l.Channel, b)
	}
	return r.Shared("", b)
}
