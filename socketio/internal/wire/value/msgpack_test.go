package value

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func msgpackRaw(t *testing.T, v any) Raw {
	t.Helper()
	b, err := appendMsgpack(nil, v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	s := MsgpackScanner{Data: b, MaxDepth: maxDepth}
	if end, err := s.Value(0); err != nil || end != len(b) {
		t.Fatalf("%T: %x: ends at %d, %v", v, b, end, err)
	}
	return NewRaw(b, &Source{Msgpack: true})
}

// TestMsgpackBytes: what notepack.io 2.2, which the clients' parser is made of,
// writes for the same values.
func TestMsgpackBytes(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "c0"}, {true, "c3"}, {false, "c2"}, {0, "00"}, {127, "7f"}, {128, "cc80"}, {255, "ccff"}, {256, "cd0100"}, {65536, "ce00010000"},
		{int64(1 << 32), "cf0000000100000000"}, {1e21, "cb444b1ae4d6e2ef50"}, {-1, "ff"}, {-32, "e0"}, {-33, "d0df"}, {-128, "d080"}, {-129, "d1ff7f"}, {-32769, "d2ffff7fff"},
		{-1 << 31, "d280000000"}, {int64(-1<<31 - 1), "d3ffffffff7fffffff"}, {5.0, "05"}, {1.5, "cb3ff8000000000000"}, {"a", "a161"}, {strings.Repeat("x", 32), "d920" + strings.Repeat("78", 32)},
		{[]byte{1}, "c40101"}, {[]any{1, "a"}, "9201a161"}, {map[string]any{"a": nil}, "81a161c0"}, {time.UnixMilli(1), "d7000000000000000001"},
		{json.RawMessage(`{"a":[1]}`), "df00000001a161dd0000000101"}, {struct {
			A int `json:"a"`
			B int `json:"b,omitempty"`
		}{A: 1}, "81a16101"}, {uint64(math.MaxUint64), "cfffffffffffffffff"},
	} {
		r := msgpackRaw(t, c.v)
		if got := hex.EncodeToString(r.data); got != c.want {
			t.Errorf("%v: %s, want %s", c.v, got, c.want)
		}
	}
}

func TestMsgpackDecode(t *testing.T) {
	for _, c := range []struct {
		hex  string
		any  any
		kind Kind
	}{
		{"d40000", nil, Null}, {"c0", nil, Null}, {"d7000000000005265c00", "1970-01-02T00:00:00.000Z", String}, {"d6ff00000001", "1970-01-01T00:00:01.000Z", String},
		{"d7ff0000000000000002", "1970-01-01T00:00:02.000Z", String}, {"c70cff000000000000000000000003", "1970-01-01T00:00:03.000Z", String},
		{"c7020001ff", []byte{1, 0xff}, Binary}, {"c800010009", []byte{9}, Binary}, {"c90000000100" + "07", []byte{7}, Binary}, {"c500020102", []byte{1, 2}, Binary},
		{"ca3fc00000", 1.5, Number}, {"cfffffffffffffffff", float64(math.MaxUint64), Number}, {"d3ffffffff7fffffff", float64(-1<<31 - 1), Number}, {"ff", -1.0, Number},
		{"dc0001c3", []any{true}, Array}, {"dd00000001c2", []any{false}, Array}, {"de0001a16101", map[string]any{"a": 1.0}, Object}, {"df00000000", map[string]any{}, Object},
		{"d90161", "a", String}, {"da000161", "a", String}, {"db0000000161", "a", String}, {"a1ff", "\uFFFD", String},
	} {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		s := MsgpackScanner{Data: data, MaxDepth: 5}
		if end, err := s.Value(0); err != nil || end != len(data) {
			t.Errorf("%s: ends at %d, %v", c.hex, end, err)
			continue
		}
		r := NewRaw(data, &Source{Msgpack: true})
		var v any
		if err := r.Decode(&v); err != nil || !reflect.DeepEqual(v, c.any) || r.Kind() != c.kind {
			t.Errorf("%s: %#v of kind %s, %v", c.hex, v, r.Kind(), err)
		}
	}
}

func TestMsgpackRefuses(t *testing.T) {
	for _, h := range []string{
		"", "c1", "c4", "c405", "c4050102", "c6ffffffff", "db7fffffff", "dbffffffff", "ddffffffff", "dfffffffff", "dd00100000c0", "df00100000c0", "91", "81", "81a161", "8101c0", "82a161c0",
		"ca00", "cb00000000", "cd00", "d3", "d4", "d400", "d40100", "d5000000", "d601000000", "d700", "c7", "c701", "c70100", "c7020100ff", "c9ffffffff00", "81c0c0", "81d7000000000000000000c0",
		strings.Repeat("91", 6) + "c0", strings.Repeat("81a161", 6) + "c0",
	} {
		data, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		s := MsgpackScanner{Data: data, MaxDepth: 5}
		if end, err := s.Value(0); err == nil && end == len(data) {
			t.Errorf("%s accepted", h)
		}
	}
}

// TestMsgpackRoundTrip: with either parser a value decodes into the same.
func TestMsgpackRoundTrip(t *testing.T) {
	type inner struct {
		B []byte    `json:"b"`
		T time.Time `json:"t"`
	}
	type outer struct {
		Name  string         `json:"name"`
		Big   int64          `json:"big"`
		Huge  uint64         `json:"huge"`
		F     float64        `json:"f"`
		List  []inner        `json:"list"`
		M     map[string]any `json:"m"`
		P     *int           `json:"p"`
		Raw   json.RawMessage
		Quote int `json:"q,string"`
	}
	v := outer{"é\u2028", 1<<60 + 1, math.MaxUint64, 0.1, []inner{{[]byte{0, 255}, time.UnixMilli(1e12).UTC()}}, map[string]any{"k": []any{1.0, []byte{}, nil}}, nil, json.RawMessage(`{"deep":[1e3]}`), 7}
	r := msgpackRaw(t, v)
	var back outer
	if err := r.Decode(&back); err != nil {
		t.Fatal(err)
	}
	back.Raw = bytes.ReplaceAll(back.Raw, []byte("1000"), []byte("1e3"))
	if !reflect.DeepEqual(v, back) {
		t.Errorf("%+v\n%+v", v, back)
	}
	// Into JSON and back.
	e := NewEncoder(false, nil)
	defer e.Free()
	if err := e.Value(r); err != nil {
		t.Fatal(err)
	}
	again := msgpackRaw(t, NewRaw(e.Bytes(), &Source{Attachments: e.Attachments()}))
	var a, b any
	if err := r.Decode(&a); err != nil {
		t.Fatal(err)
	}
	if err := again.Decode(&b); err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%v\n%v\n%v", a, b, err)
	}
	if _, err := r.MarshalJSON(); err == nil {
		t.Error("binary in plain JSON")
	}
}

func FuzzMsgpack(f *testing.F) {
	for _, h := range []string{"81a474797065c0", "93cb3ff8000000000000c40101d40000", "c7020001ff", "d7ff0000000000000002", "dd00000001de0001a161c0"} {
		b, _ := hex.DecodeString(h)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := MsgpackScanner{Data: data, MaxDepth: 50}
		end, err := s.Value(0)
		if err != nil {
			return
		}
		r := NewRaw(data[:end], &Source{Msgpack: true})
		var v, again any
		if err := r.Decode(&v); err != nil {
			t.Fatalf("%x accepted, then %v", data, err)
		}
		text, attachments, err := msgpackToJSON(r.data)
		if err != nil || !Valid(text, 60) {
			t.Fatalf("%x: %s %v", data, text, err)
		}
		if len(attachments) > 0 && CheckPlaceholders(text, len(attachments)) != nil {
			return // a map that looks like a placeholder
		}
		var e everything
		_ = DecodeJSON(text, attachments, &e) // must not panic
		if err := DecodeJSON(text, attachments, &again); err == nil && !reflect.DeepEqual(normal(v), normal(again)) {
			t.Fatalf("%x: %#v, as JSON %#v", data, v, again)
		}
	})
}

// normal replaces what JSON cannot say.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v + 0 // -0
	case string:
		if strings.HasSuffix(v, "Z") {
			return nil // a date outside JavaScript's range is null in JSON
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	}
	return v
}
