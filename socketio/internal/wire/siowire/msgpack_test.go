package siowire

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

type msgpackCase struct {
	Packet json.RawMessage
	Hex    string
	Error  *string
}

type msgpackPacket struct {
	Type Type
	Nsp  string
	ID   *uint64
	Data json.RawMessage
}

func msgpackCases(t *testing.T) (all []msgpackCase) {
	file, err := os.Open("testdata/msgpack.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c msgpackCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func decodeBinary(data []byte) (Packet, error) {
	var p Packet
	ok, err := (&MsgpackParser{}).NewDecoder(nil).Add(data, true, &p)
	if err == nil && !ok {
		err = errors.New("not complete")
	}
	return p, err
}

// TestMsgpackLikeNode decodes what socket.io-msgpack-parser 3.0.2 encoded, and
// encodes the same packets for it.
func TestMsgpackLikeNode(t *testing.T) {
	good := 0
	for _, c := range msgpackCases(t) {
		data, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		p, err := decodeBinary(data)
		if (err != nil) != (c.Error != nil) {
			t.Errorf("%s: %v, Node: %v", c.Packet, err, c.Error)
		}
		if err != nil {
			continue
		}
		good++
		p.Detach()
		clear(data)
		var want msgpackPacket
		if err := json.Unmarshal(c.Packet, &want); err != nil {
			t.Fatal(err)
		}
		if p.Type != want.Type || p.Namespace != want.Nsp || p.HasID != (want.ID != nil) || p.HasID && p.ID != *want.ID {
			t.Errorf("%s: %+v", c.Packet, p)
		}
		var data2 any
		if want.Data != nil {
			if err := json.Unmarshal(want.Data, &data2); err != nil {
				t.Fatal(err)
			}
		}
		if got := msgpackPayload(t, &p); !reflect.DeepEqual(got, undated(data2)) {
			t.Errorf("%s: %v", c.Packet, got)
		}
		reencode(t, &p)
	}
	if good < 14 {
		t.Errorf("only %d packets were good", good)
	}
}

func msgpackPayload(t *testing.T, p *Packet) any {
	if p.Type == Event {
		list := payload(t, p).([]any)
		if list[0] == "12" {
			list[0] = 12.0
		}
		return list
	}
	got := payload(t, p)
	if got == "absent" {
		return nil
	}
	return got
}

// undated replaces the dates that record-msgpack.cjs wrote by what an any takes
// for them.
func undated(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = undated(v[i])
		}
	case map[string]any:
		if d, ok := v["$date"]; ok {
			return d
		}
		for k := range v {
			v[k] = undated(v[k])
		}
	}
	return v
}

// reencode sends a packet on as an application does that passes raw arguments,
// and expects the same packet.
func reencode(t *testing.T, p *Packet) {
	out := Outgoing{Type: p.Type, Namespace: p.Namespace, Event: p.Event, ID: p.ID, HasID: p.HasID}
	for _, r := range p.Args.All() {
		out.Args = append(out.Args, r)
	}
	if !p.Data.IsZero() {
		out.Data = p.Data
	}
	e, err := (&MsgpackParser{}).Encode(out, 4)
	if err != nil || e.Text != nil {
		t.Fatal(err, e.Text)
	}
	again, err := decodeBinary(e.Binary)
	if err != nil {
		t.Fatalf("%x: %v", e.Binary, err)
	}
	if !reflect.DeepEqual(msgpackPayload(t, p), msgpackPayload(t, &again)) || again.ID != p.ID || again.HasID != p.HasID || again.Namespace != p.Namespace {
		t.Errorf("%+v became %+v", p, again)
	}
}

// TestMsgpackEncode: the bytes were read back with socket.io-msgpack-parser
// 3.0.2 when this was written.
func TestMsgpackEncode(t *testing.T) {
	for _, c := range []struct {
		out  Outgoing
		want string
	}{
		{Outgoing{Type: Connect}, "82a47479706500a36e7370a12f"},
		{Outgoing{Type: Connect, Namespace: "/a", Data: map[string]string{"sid": "x"}}, "83a47479706500a36e7370a22f61a46461746181a3736964a178"},
		{Outgoing{Type: Disconnect}, "82a47479706501a36e7370a12f"},
		{Outgoing{Type: Event, Event: "e", Args: []any{[]byte{1}, time.UnixMilli(1)}}, "83a47479706502a36e7370a12fa46461746193a165c40101d7000000000000000001"},
		{Outgoing{Type: Ack, ID: 300, HasID: true}, "84a47479706503a36e7370a12fa46461746190a26964cd012c"},
		{Outgoing{Type: ConnectError, Data: "no"}, "83a47479706504a36e7370a12fa464617461a26e6f"},
	} {
		e, err := (&MsgpackParser{}).Encode(c.out, 4)
		if got := hex.EncodeToString(e.Binary); err != nil || got != c.want {
			t.Errorf("%+v: %s, want %s (%v)", c.out, got, c.want, err)
		}
	}
	for _, out := range []Outgoing{
		{Type: BinaryEvent}, {Type: 9}, {Type: Event, Args: []any{func() {}}}, {Type: Connect, Data: make(chan int)},
	} {
		if _, err := (&MsgpackParser{}).Encode(out, 4); err == nil {
			t.Errorf("%+v was encoded", out)
		}
	}
}

func TestMsgpackHostile(t *testing.T) {
	lim := &Limits{MaxDepth: 4, MaxArgs: 3, MaxNameLen: 7, MaxNamespaceLen: 4}
	deep := func(n int) string { return strings.Repeat("91", n) + "c0" }
	packet := func(nsp, data string) string { return "83a47479706502a36e7370" + nsp + "a464617461" + data }
	for _, c := range []struct{ name, hex, says string }{
		{"good", packet("a12f", "92a165"+deep(3)), ""},
		{"depth", packet("a12f", "92a165"+deep(4)), "deep"},
		{"arguments", packet("a12f", "94a165c0c0c0"), "MaxArgs"},
		{"name", packet("a12f", "91a86161616161616161"), "MaxNameLen"},
		{"namespace", packet("a52f61616161", "91a165"), "MaxNamespaceLen"},
		{"reserved", packet("a12f", "91a7636f6e6e656374"), "reserved"},
		{"no name", packet("a12f", "90"), "without a name"},
		{"object as a name", packet("a12f", "9180"), "not a string"},
		{"binary as a name", packet("a12f", "91c40165"), "not a string"},
		{"name not UTF-8", packet("a12f", "91a1ff"), "not a string"},
		{"namespace not UTF-8", packet("a1ff", "91a165"), "namespace"},
		{"a second packet", packet("a12f", "91a165") + "c0", "after the packet"},
		{"huge array", packet("a12f", "dd7fffffff"), "too early"},
		{"huge id", "84a47479706502a36e7370a12fa46461746191a165a26964cfffffffffffffffff", "id"},
		{"negative id", "84a47479706502a36e7370a12fa46461746191a165a26964ff", "id"},
		{"empty", "", "too early"},
	} {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		ok, err := (&MsgpackParser{}).NewDecoder(lim).Add(data, true, &p)
		if c.says == "" {
			if err != nil || !ok {
				t.Errorf("%s: %v", c.name, err)
			}
		} else if !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var p Packet
	if _, err := (&MsgpackParser{}).NewDecoder(nil).Add([]byte(`2["a"]`), false, &p); !errors.Is(err, errMalformed) {
		t.Error("text:", err)
	}
}

func FuzzMsgpackPacket(f *testing.F) {
	file, err := os.ReadFile("testdata/msgpack.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(file)), "\n") {
		var c msgpackCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			f.Fatal(err)
		}
		data, err := hex.DecodeString(c.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeBinary(data)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Fatal(err)
			}
			return
		}
		p.Detach()
		checkPacket(t, &p)
		for _, parser := range []Parser{&MsgpackParser{}, &JSONParser{}} {
			roundTrip(t, parser, &p)
		}
	})
}
