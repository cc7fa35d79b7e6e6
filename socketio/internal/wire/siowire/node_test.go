package siowire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// stricter are the packets that Node's parser takes and ours refuses, with the
// reason.
var stricter = map[string]string{
	``:               "Number('') is 0 to Node, a CONNECT",
	`2`:              "an event needs a name",
	`21`:             "an event needs a name",
	`2/nsp`:          "an event needs a name",
	`2/nsp["a"]`:     "an event needs a name: all of this is the namespace",
	"2\ufeff[\"a\"]": "a byte order mark is not an id",
	"2\u00a0[\"a\"]": "a blank is an ASCII one",
	`21 2["a"]`:      "two ids are none",
	`5 1-["x"]`:      "white space is not a number",
	`51e0-["x"]`:     "attachments are counted in decimal digits",
	`51-["a",{"_placeholder":true,"num":0.5}]`:                             "the position of an attachment is a whole number",
	`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`: "an attachment has one place",
	`51-["a",{"_placeholder":true,"num":0,"more":1}]`:                      "a placeholder has two members",
	`51-["a",{"_placeholder":true,"num":1,"num":0}]`:                       "a placeholder has two members",
	`51-["a",{"_placeh\u006flder":true,"num":0}]`:                          "a placeholder is written without escapes",
	`51-`: "an event needs a name",
}

type nodeCase struct {
	Messages []any
	Packets  []struct {
		Type Type
		Nsp  string
		ID   any
		Data any
	}
	Error *string
}

// TestLikeNode decodes what testdata/record.cjs gave to socket.io-parser 4.2.7
// and expects the same answers.
func TestLikeNode(t *testing.T) {
	file, err := os.Open("testdata/node.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	used := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c nodeCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		first := fmt.Sprint(c.Messages[0])
		got, gotErr := decodeAll(t, c.Messages)
		switch {
		case gotErr != nil && c.Error == nil:
			if stricter[first] == "" {
				t.Errorf("%s: %v, Node takes it", lines.Bytes(), gotErr)
			}
			used[first] = true
			continue
		case gotErr == nil && c.Error != nil:
			t.Errorf("%q: accepted, Node: %s", c.Messages, *c.Error)
			continue
		case len(got) != len(c.Packets) && gotErr == nil:
			t.Errorf("%q: %d packets, Node: %d", c.Messages, len(got), len(c.Packets))
			continue
		}
		for i, p := range got {
			want := c.Packets[i]
			var id any
			if p.HasID {
				id = float64(p.ID)
			}
			if p.Type != want.Type || p.Namespace != want.Nsp || id != want.ID {
				t.Errorf("%q: %s %q %v, Node: %s %q %v", c.Messages, p.Type, p.Namespace, id, want.Type, want.Nsp, want.ID)
			}
			if list, ok := want.Data.([]any); ok && p.Type == Event {
				if f, ok := list[0].(float64); ok { // a number as a name is its text here
					list[0] = string(value.AppendNumber(nil, f))
				}
			}
			if data := payload(t, &p); !reflect.DeepEqual(data, want.Data) {
				t.Errorf("%q: %v, Node: %v", c.Messages, data, want.Data)
			}
		}
	}
	for s := range stricter {
		if !used[s] {
			t.Errorf("%q is listed as a difference and is none", s)
		}
	}
}

func decodeAll(t *testing.T, messages []any) (all []Packet, err error) {
	d := (&JSONParser{}).NewDecoder(nil)
	for _, m := range messages {
		var data []byte
		text, isText := m.(string)
		if isText {
			data = []byte(text)
		} else if data, err = hex.DecodeString(m.(map[string]any)["hex"].(string)); err != nil {
			t.Fatal(err)
		}
		var p Packet
		ok, err := d.Add(data, !isText, &p)
		if err != nil {
			return all, err
		}
		if ok {
			p.Detach()
			all = append(all, p)
		}
		clear(data) // nothing may depend on it any more
	}
	return all, nil
}

// payload rebuilds a packet's payload in the form that record.cjs writes.
func payload(t *testing.T, p *Packet) any {
	if p.Type != Event && p.Type != Ack {
		if p.Data.IsZero() {
			return "absent"
		}
		var v any
		if err := p.Data.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	list := []any{}
	if p.Type == Event {
		list = append(list, p.Event)
	} else if p.Args.Len() == 0 && p.Args.src == nil {
		return "absent"
	}
	for _, r := range p.Args.All() {
		var v any
		if text, ok := r.JSON(); ok && bytes.Equal(text, []byte("1e400")) {
			v = "Infinity" // refused when it is decoded
		} else if err := r.Decode(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, described(v))
	}
	return list
}

func described(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$hex": hex.EncodeToString(v)}
	case []any:
		for i := range v {
			v[i] = described(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = described(v[k])
		}
	}
	return v
}
