package nativewire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const from, other = "0123456789abcdef", "fedcba9876543210"

func data(text string, attachments ...string) adapter.Data {
	d := adapter.Data{Text: []byte(text)}
	for _, a := range attachments {
		d.Attachments = append(d.Attachments, []byte(a))
	}
	return d
}

// samples has every kind, and every member at least once.
var samples = map[string]*adapter.Message{
	"hello": {Kind: adapter.Hello, From: from, NS: "/", Seq: 1, Node: &adapter.Node{ID: from, Name: "a", Version: 7, Address: "http://127.0.0.1:1"}},
	"heartbeat": {Kind: adapter.Heartbeat, From: from, NS: "/", Seq: math.MaxUint64, Node: &adapter.Node{ID: from}, Positions: []adapter.Position{
		{NS: "/", Lane: 0, Seq: 5}, {NS: "/", Lane: 4097, Seq: math.MaxUint64}, {NS: "/chat", Lane: 3, Seq: 9}, {NS: "/", Lane: math.MaxUint32, Seq: 1}}},
	"broadcast": {Kind: adapter.Broadcast, From: from, NS: "/chat", Seq: 2, Lane: 77, Rooms: []string{"a", "", "日本"}, Except: []string{"x y"},
		Flags: adapter.Flags{Volatile: true, NoCompress: true, Timeout: time.Second}, Request: "00000000000000aa",
		Data: data(`["file",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`, "\x00\xff", "")},
	"broadcast to all": {Kind: adapter.Broadcast, From: from, NS: "/", Seq: 3, Data: data(`["x"]`)},
	"join":             {Kind: adapter.Join, From: from, NS: "/", Seq: 4, Rooms: []string{"a"}, Names: []string{"b", strings.Repeat("n", MaxName)}},
	"leave":            {Kind: adapter.Leave, From: from, NS: "/", Names: []string{"b"}},
	"disconnect":       {Kind: adapter.Disconnect, From: from, NS: "/", Close: true},
	"fetch":            {Kind: adapter.Fetch, From: from, NS: "/" + strings.Repeat("n", MaxName-1), Request: other},
	"fetch answer":     {Kind: adapter.FetchAnswer, From: from, To: other, NS: "/", Request: other, Data: data(`[]`)},
	"server-side":      {Kind: adapter.ServerSide, From: from, NS: "/", Data: data(`["connect",1]`)},
	"its answer":       {Kind: adapter.ServerSideAnswer, From: from, To: other, NS: "/", Request: other, Data: data(`[1,"2"]`)},
	"count":            {Kind: adapter.ClientCount, From: from, To: other, NS: "/", Request: other, Count: 300},
	"ack":              {Kind: adapter.ClientAck, From: from, To: other, NS: "/", Request: other, Data: data(`[{"_placeholder":true,"num":0}]`, "ab")},
	"goodbye":          {Kind: adapter.Goodbye, From: from, NS: "/", Seq: 9},
	"ids":              {Kind: adapter.IDs, From: from, NS: "/", Request: other},
	"ids answer":       {Kind: adapter.IDsAnswer, From: from, To: other, NS: "/", Request: other, Data: data(`["a"]`)},
	"rooms":            {Kind: adapter.Rooms, From: from, NS: "/", Request: other},
	"rooms answer":     {Kind: adapter.RoomsAnswer, From: from, To: other, NS: "/", Request: other, Data: data(`["a"]`)},
	"has":              {Kind: adapter.Has, From: from, NS: "/", Request: other},
	"has answer":       {Kind: adapter.HasAnswer, From: from, To: other, NS: "/", Request: other, Count: 1},
}

var forms = map[string]*Form{"plain": New(0, nil), "with a key": New(0, []byte("secret"))}

const channel = "socket.io.a./chat"

// same compares messages; an empty list is no list.
func same(a, b *adapter.Message) bool {
	norm := func(m adapter.Message) adapter.Message {
		for _, l := range []*[]string{&m.Rooms, &m.Except, &m.Names} {
			if len(*l) == 0 {
				*l = nil
			}
		}
		if len(m.Positions) == 0 {
			m.Positions = nil
		}
		if len(m.Data.Text) == 0 {
			m.Data.Text = nil
		}
		if len(m.Data.Attachments) == 0 {
			m.Data.Attachments = nil
		}
		return m
	}
	return reflect.DeepEqual(norm(*a), norm(*b))
}

func TestRoundTrip(t *testing.T) {
	for form, f := range forms {
		var got adapter.Message // one for all: nothing of the one before is left
		for name, m := range samples {
			b, err := f.Append([]byte("before"), channel, m)
			if err != nil {
				t.Fatalf("%s, %s: %v", form, name, err)
			}
			b = b[len("before"):]
			if bad := f.Parse(channel, b, &got); bad != "" || !same(&got, m) {
				t.Errorf("%s, %s: %q\n%+v, want\n%+v", form, name, bad, &got, m)
			}
			for n := range b {
				if f.Parse(channel, b[:n], &got) == "" {
					t.Errorf("%s, %s: %d of %d bytes are taken", form, name, n, len(b))
				}
			}
			if f.Parse(channel, append(b, 0), &got) == "" {
				t.Errorf("%s, %s: one byte more is taken", form, name)
			}
		}
	}
}

// The form does not change without another version.
func TestBytes(t *testing.T) {
	for name, want := range map[string]string{
		"broadcast to all": "c501030404" + "10" + hex.EncodeToString([]byte(from)) + "012f" + "000000000000000300" + "05" + hex.EncodeToString([]byte(`["x"]`)),
		"count":            "c5010b0043" + "10" + hex.EncodeToString([]byte(from)) + "012f" + "10" + hex.EncodeToString([]byte(other)) + "10" + hex.EncodeToString([]byte(other)) + "ac02",
	} {
		b, err := forms["plain"].Append(nil, channel, samples[name])
		if err != nil || hex.EncodeToString(b) != want {
			t.Errorf("%s: %x, %v, want %s", name, b, err, want)
		}
	}
	b, err := forms["with a key"].Append(nil, "c", samples["disconnect"])
	if err != nil || hex.EncodeToString(b) != "c50106c000"+"10"+hex.EncodeToString([]byte(from))+"012f"+"0e714f62cde2ed0c" {
		t.Errorf("%x, %v", b, err)
	}
}

func TestKeys(t *testing.T) {
	plain, keyed, wrong := New(0, nil), New(0, []byte("secret")), New(0, []byte("Secret"))
	m := samples["broadcast"]
	signed, err := keyed.Append(nil, channel, m)
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := plain.Append(nil, channel, m)
	if err != nil {
		t.Fatal(err)
	}
	var got adapter.Message
	if bad := keyed.Parse(channel, signed, &got); bad != "" {
		t.Error(bad)
	}
	for what, bad := range map[string]string{
		"no MAC":                   keyed.Parse(channel, unsigned, &got),
		"no key here":              plain.Parse(channel, signed, &got),
		"another key":              wrong.Parse(channel, signed, &got),
		"another channel":          keyed.Parse(channel+"s", signed, &got),
		"a channel that ends here": keyed.Parse(channel[:len(channel)-1], signed, &got),
		"only a MAC":               keyed.Parse(channel, append([]byte{magic, Version, 3, 0x80, 0}, 1, 2), &got),
	} {
		if bad != BadMAC {
			t.Errorf("%s: %q", what, bad)
		}
	}
	for i := 2; i < len(signed); i++ {
		changed := bytes.Clone(signed)
		changed[i] ^= 0x10
		if bad := keyed.Parse(channel, changed, &got); bad != BadMAC {
			t.Errorf("byte %d changed: %q", i, bad)
		}
	}
}

func TestMalformed(t *testing.T) {
	head := func(kind byte, bits uint16, rest string) []byte {
		return append([]byte{magic, Version, kind, byte(bits >> 8), byte(bits)}, rest...)
	}
	const ok = "\x01a\x01/" // from and namespace
	long := func(n int, s string) string { return string(bytes.Repeat([]byte(s), n)) }
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"nothing":              {nil, BadParse},
		"JSON":                 {[]byte(`{"uid":"x","nsp":"/","type":3}`), BadParse},
		"msgpack":              {[]byte("\xc1\xff\x00aaaaaaa"), BadParse},
		"version 2":            {append([]byte{magic, 2}, "whatever it is"...), BadVersion},
		"version 0":            {append([]byte{magic, 0}, "whatever it is"...), BadVersion},
		"kind 0":               {head(0, 0, ok), BadKind},
		"no sender":            {head(13, 0, "\x00\x01/"), BadID},
		"a sender with a dot":  {head(13, 0, "\x03a.b\x01/"), BadID},
		"a sender that wraps":  {head(13, 0, "\x03a\nb\x01/"), BadID},
		"a long sender":        {head(13, 0, "\x41"+long(65, "a")+"\x01/"), BadID},
		"no namespace":         {head(13, 0, "\x01a\x00"), BadNames},
		"a long namespace":     {head(13, 0, "\x01a\x81\x20"+long(MaxName+1, "/")), BadNames},
		"an empty receiver":    {head(13, hasTo, ok+"\x00"), BadID},
		"a wild receiver":      {head(13, hasTo, ok+"\x01*"), BadID},
		"an odd question":      {head(7, hasRequest, ok+"\x01>"), BadID},
		"too many rooms":       {head(6, hasRooms, ok+"\x91\x4e"+long(MaxNames+1, "\x00")), BadNames},
		"and exceptions":       {head(6, hasRooms|hasExcept, ok+"\x90\x4e"+long(MaxNames, "\x00")+"\x01\x00"), BadNames},
		"more than there are":  {head(6, hasRooms, ok+"\x05\x00"), BadParse},
		"a long room":          {head(6, hasRooms, ok+"\x01\x81\x20"+long(MaxName+1, "x")), BadNames},
		"a huge length":        {head(3, hasText, ok+"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01[]"), BadParse},
		"a length too long":    {head(3, hasText, ok+long(11, "\xff")), BadParse},
		"a large lane":         {head(13, hasSeq, ok+long(8, "\x01")+"\x80\x80\x80\x80\x10"), BadParse},
		"too many attachments": {head(3, hasAttachments, ok+"\x91\x4e"+long(MaxAttachments+1, "\x00")), BadSize},
		"too many positions":   {head(2, hasPositions, ok+"\xa1\x8d\x06"+long(MaxPositions+1, "\x00")), BadSize},
		"a talkative node":     {head(1, hasNode, ok+"\x01a\x81\x08"+long(maxText+1, "x")+"\x00\x00"), BadSize},
	} {
		var m adapter.Message
		if bad := New(0, nil).Parse(channel, c.b, &m); bad != c.want {
			t.Errorf("%s: %q, want %q", name, bad, c.want)
		}
	}
	var m adapter.Message
	if bad := New(10, nil).Parse(channel, head(13, 0, ok+"more"), &m); bad != BadSize {
		t.Errorf("a large message: %q", bad)
	}
}

// What a later version says is read as far as it is known here.
func TestLaterVersions(t *testing.T) {
	for form, f := range forms {
		for _, kind := range []adapter.Kind{14, 30, 255} {
			m := *samples["broadcast"]
			m.Kind = kind
			b, err := f.Append(nil, channel, &m)
			var got adapter.Message
			if bad := f.Parse(channel, b, &got); err != nil || bad != "" || !same(&got, &m) {
				t.Errorf("%s, kind %d: %v, %q, %+v", form, kind, err, bad, got)
			}
		}
	}
	f := forms["plain"]
	for name, m := range samples {
		b, err := f.Append(nil, channel, m)
		if err != nil {
			t.Fatal(err)
		}
		for more, want := range map[string]string{
			"\x01\x00": "", "\x07\x03abc": "", "\xff\x01\x00\x07\x01x": "",
			"\x00\x00": BadParse, "\x07": BadParse, "\x07\x04abc": BadParse, "\x07\x03abc\x07": BadParse, "\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": BadParse,
		} {
			var got adapter.Message
			if bad := f.Parse(channel, append(bytes.Clone(b), more...), &got); bad != want || bad == "" && !same(&got, m) {
				t.Errorf("%s, and %q: %q, %+v", name, more, bad, got)
			}
		}
	}
}

func TestTooLarge(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for name, c := range map[string]struct {
		size int
		m    *adapter.Message
	}{
		"a namespace":     {0, &adapter.Message{NS: long}},
		"a room":          {0, &adapter.Message{Rooms: []string{long}}},
		"an exception":    {0, &adapter.Message{Except: []string{long}}},
		"a name":          {0, &adapter.Message{Names: []string{long}}},
		"rooms":           {0, &adapter.Message{Rooms: make([]string, MaxNames), Except: make([]string, 1)}},
		"names":           {0, &adapter.Message{Names: make([]string, MaxNames+1)}},
		"attachments":     {0, &adapter.Message{Data: adapter.Data{Attachments: make([][]byte, MaxAttachments+1)}}},
		"positions":       {0, &adapter.Message{Positions: make([]adapter.Position, MaxPositions+1)}},
		"a node":          {0, &adapter.Message{Node: &adapter.Node{Name: long}}},
		"all in all":      {1000, &adapter.Message{Data: adapter.Data{Text: make([]byte, 1000)}}},
		"the attachments": {1000, &adapter.Message{Data: adapter.Data{Attachments: [][]byte{make([]byte, 1000)}}}},
	} {
		if b, err := New(c.size, nil).Append([]byte("x"), channel, c.m); !errors.Is(err, adapter.ErrTooLarge) || string(b) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}
