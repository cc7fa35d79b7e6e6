package googollee_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/parser"
)

// A client gets the JSON that go-socket.io's encoder makes: bytes are base64 text,
// times have their zone, struct tags count.
func TestValuesOnTheWire(t *testing.T) {
	type line struct {
		Text  string    `json:"text"`
		When  time.Time `json:"when"`
		Raw   []byte    `json:"raw"`
		Any   any       `json:"any,omitempty"`
		Quiet string    `json:"-"`
	}
	when := time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.FixedZone("", 3600))
	s := board(t)
	values := map[string][]any{
		`["abc"]`:                            {"abc"},
		`[1,-2,3.5,true,null]`:               {1, int8(-2), 3.5, true, nil},
		`["YWJj"]`:                           {[]byte("abc")},
		`["2026-01-02T03:04:05.6789+01:00"]`: {when},
		`[{"text":"x","when":"2026-01-02T03:04:05.6789+01:00","raw":"YQ=="}]`: {line{Text: "x", When: when, Raw: []byte("a"), Quiet: "q"}},
		`[{"a":{"b":["Yw==",1]}}]`:  {map[string]any{"a": map[string]any{"b": []any{[]byte("c"), 1}}}},
		`[{"A":1},[{"A":2}]]`:       {&struct{ A int }{1}, []*struct{ A int }{{2}}},
		`[[1,2],{"k":"v"},["two"]]`: {[]int{1, 2}, map[string]string{"k": "v"}, [1]string{"two"}},
	}
	s.OnEvent("/", "say", func(c socketio.Conn, key string) { c.Emit("said", values[key]...) })
	c := dial(t, s, 4, "")
	for want, v := range values {
		s.BroadcastToNamespace("/", "said", v...)
		if got := c.next(); got != `2["said",`+want[1:] {
			t.Errorf("broadcast: got %s, want %s", got, want)
		}
		s.ForEach("/", s.Rooms("/")[0], func(conn socketio.Conn) { conn.Emit("said", v...) })
		if got := c.next(); got != `2["said",`+want[1:] {
			t.Errorf("emit: got %s, want %s", got, want)
		}
	}
}

func TestBinaryIsWhatABufferHolds(t *testing.T) {
	type file struct {
		Name  string
		Parts []*parser.Buffer
		Thumb parser.Buffer            `json:"thumb"`
		More  map[string]parser.Buffer `json:"more"`
	}
	each(t, func(t *testing.T, eio int) {
		s := board(t)
		shared := &parser.Buffer{Data: []byte("shared")}
		s.OnEvent("/", "pointer", func(_ socketio.Conn, b *parser.Buffer) string { return string(b.Data) })
		s.OnEvent("/", "value", func(_ socketio.Conn, n int, b parser.Buffer) string { return string(b.Data) })
		s.OnEvent("/", "bytes", func(_ socketio.Conn, b []byte) string { return string(b) })
		s.OnEvent("/", "any", func(_ socketio.Conn, v interface{}) bool {
			b, ok := v.(map[string]interface{})["b"].([]byte)
			return ok && string(b) == "any"
		})
		s.OnEvent("/", "file", func(c socketio.Conn, f file) file {
			f.Name += string(f.Parts[0].Data) + string(f.Parts[1].Data) + string(f.Thumb.Data) + string(f.More["x"].Data)
			slices.Reverse(f.Parts)
			return f
		})
		s.OnEvent("/", "out", func(c socketio.Conn) {
			c.Emit("out", shared, 1, *shared, map[string]interface{}{"b": shared, "n": nil})
		})
		c := dial(t, s, eio, "")
		one := func(packet string, want string, binary ...string) {
			t.Helper()
			c.sendBinary(packet, binary...)
			c.expect(want)
		}
		hole := func(n int) string { return fmt.Sprintf(`{"_placeholder":true,"num":%d}`, n) }
		one(`51-0["pointer",`+hole(0)+`]`, `30["one"]`, "one")
		one(`51-1["value",7,`+hole(0)+`]`, `31["two"]`, "two")
		one(`51-2["bytes",`+hole(0)+`]`, `32["three"]`, "three")
		one(`51-3["any",{"b":`+hole(0)+`}]`, `33[true]`, "any")
		one(`24["pointer",{"type":"Buffer","data":[97,98]}]`, `34["ab"]`)

		c.sendBinary(`54-5["file",{"Name":"n","Parts":[`+hole(0)+`,`+hole(1)+`],"thumb":`+hole(2)+`,"more":{"x":`+hole(3)+`}}]`, "a", "b", "c", "d")
		c.expect(`64-5[{"Name":"nabcd","Parts":[` + hole(0) + `,` + hole(1) + `],"more":{"x":` + hole(2) + `},"thumb":` + hole(3) + `}]`)
		c.expectBinary("b", "a", "d", "c")

		c.send(`2["out"]`)
		c.expect(`53-["out",` + hole(0) + `,1,` + hole(1) + `,{"b":` + hole(2) + `,"n":null}]`)
		c.expectBinary("shared", "shared", "shared")
	})
}

// A placeholder that names no attachment crashed go-socket.io.
func TestBadPlaceholdersEndThatConnectionOnly(t *testing.T) {
	s := board(t)
	s.OnEvent("/", "b", func(_ socketio.Conn, b *parser.Buffer) int { return len(b.Data) })
	other := dial(t, s, 4, "")
	for _, packet := range []string{
		`51-["b",{"_placeholder":true,"num":1}]`,
		`51-["b",{"_placeholder":true,"num":-1}]`,
		`51-["b",{"_placeholder":true,"num":99999999999999999999}]`,
		`51-["b",{"_placeholder":true}]`,
		`59999999999999999-["b"]`,
		`50-["b",{"_placeholder":true,"num":0}]`,
	} {
		c := dial(t, s, 4, "")
		c.do(t.Context(), "POST", "4"+packet+"\x1eb"+base64.StdEncoding.EncodeToString([]byte("x")))
		for got := c.next(); got != "closed"; got = c.next() {
			t.Logf("%s was answered %q", packet, got)
		}
	}
	// A placeholder in a packet without attachments is an object like any other.
	other.send(`20["b",{"_placeholder":true,"num":0}]`, `2["done"]`)
	other.expect(`2["done"]`)
}

func (c *client) sendBinary(packet string, attachments ...string) {
	c.t.Helper()
	packets := []string{"4" + packet}
	for _, a := range attachments {
		prefix := "b"
		if c.eio == 3 {
			prefix = "b4"
		}
		packets = append(packets, prefix+base64.StdEncoding.EncodeToString([]byte(a)))
	}
	c.post(packets...)
}

func (c *client) expectBinary(want ...string) {
	c.t.Helper()
	prefix := "b"
	if c.eio == 3 {
		prefix = "b4"
	}
	for _, w := range want {
		c.expect(prefix + base64.StdEncoding.EncodeToString([]byte(w)))
	}
}
