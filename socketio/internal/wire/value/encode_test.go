package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type valueMarshaler struct{ n int }

func (m valueMarshaler) MarshalJSON() ([]byte, error) {
	return []byte(` {"n" : ` + strings.Repeat("1", m.n) + `}`), nil
}

type pointerMarshaler struct{ n int }

func (m *pointerMarshaler) MarshalJSON() ([]byte, error) { return []byte(`"p"`), nil }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("will not") }

type lying struct{}

func (lying) MarshalJSON() ([]byte, error) { return []byte(`{"open":`), nil }

type textKey struct{ s string }

func (k textKey) MarshalText() ([]byte, error) { return []byte("<" + k.s + ">"), nil }

type optional struct {
	S   string          `json:"s,omitempty"`
	I   int             `json:"i,omitempty"`
	P   *int            `json:"p,omitempty"`
	L   []int           `json:"l,omitempty"`
	M   map[string]int  `json:"m,omitempty"`
	T   netip.Addr      `json:"t,omitzero"`
	A   any             `json:"a,omitempty"`
	St  struct{}        `json:"st,omitempty"`
	Z   struct{ X int } `json:"z,omitzero"`
	Arr [0]int          `json:"arr,omitempty"`
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := appendJSON(nil, v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	if !json.Valid(b) {
		t.Fatalf("%T: not valid: %s", v, b)
	}
	return string(b)
}

// TestEncodeLikeEncodingJSON: what encoding/json and JSON.stringify agree on.
func TestEncodeLikeEncodingJSON(t *testing.T) {
	five, s := 5, "s"
	type recursive struct {
		Next *recursive `json:"next"`
		All  []recursive
	}
	values := []any{
		nil, true, false, 0, -1, 5, int8(-8), uint8(8), int64(math.MinInt64), uint64(math.MaxUint64), uintptr(3), 1.5, float32(0.1), float32(1e21), float32(16777216),
		float32(123456789), 0.1, 1e20, 1e21, 1e-6, 1e-7, 1.5e-9, 123456789.5, 1e15, 1e16, -1e15, math.MaxFloat64, 5e-324, math.Pi, 100.0, 9007199254740993.0,
		"", "a", "é日本😀", "\"\\/\b\f\n\r\t\x00\x1f\x7f", []string{"x", "y"}, []string(nil), []any(nil), []any{}, []any{1, "a", nil, []any{2.5}},
		map[string]any(nil), map[string]any{"b": 1, "a": map[string]any{}, "": nil, "ab": []any{}}, map[string]int{"z": 1, "y": 2}, map[int]string{10: "a", 9: "b", -1: "c"},
		map[netip.Addr]int{netip.MustParseAddr("::1"): 1}, map[textKey]int{{"b"}: 1, {"a"}: 2}, map[upper]int{"k": 1}, map[uint8]bool{200: true},
		&five, &s, (*int)(nil), [2]int{1, 2}, [0]int{}, [3]byte{1, 2, 3}, []int(nil), []int{}, []float64{1, 2.5}, [][]int{{1}, nil},
		valueMarshaler{2}, &valueMarshaler{3}, (*valueMarshaler)(nil), &pointerMarshaler{}, pointerMarshaler{}, []pointerMarshaler{{1}}, (*pointerMarshaler)(nil),
		struct{ M pointerMarshaler }{}, &struct{ M pointerMarshaler }{}, map[string]pointerMarshaler{"k": {1}},
		netip.MustParseAddr("10.0.0.1"), json.Number("12.50"), json.Number(""), json.RawMessage(`{"a":1}`), json.RawMessage(nil), &recursive{Next: &recursive{}},
		optional{}, optional{S: "x", I: 1, P: &five, L: []int{1}, M: map[string]int{"k": 1}, T: netip.MustParseAddr("::"), A: 0, Z: struct{ X int }{1}},
		struct {
			embedded
			*Pointed
			Over bool
		}{Over: true},
		struct {
			Quoted int     `json:",string"`
			B      bool    `json:"b,string"`
			S      string  `json:"s,string"`
			F      float64 `json:"f,string"`
			P      *int    `json:"p,string"`
			N      *int    `json:"n,string"`
		}{7, true, `a"b`, 1.5, &five, nil},
		struct {
			A any
			E error
		}{A: &five}, upper("u"), time.Duration(5),
	}
	for _, v := range values {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		got := encode(t, v)
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(got)); err != nil {
			t.Fatal(err)
		}
		if compact.String() != strings.TrimSuffix(want.String(), "\n") {
			t.Errorf("%T: %s, encoding/json: %s", v, got, want.String())
		}
	}
}

// TestEncodeLikeJavaScript: where JSON.stringify and encoding/json differ.
func TestEncodeLikeJavaScript(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	for _, c := range []struct {
		v    any
		want string
	}{
		{"<a href='&'>\u2028\u2029", "\"<a href='&'>\u2028\u2029\""},
		{"bad\xffutf\xc3", "\"bad\uFFFDutf\uFFFD\""}, {math.NaN(), "null"}, {math.Inf(1), "null"}, {math.Inf(-1), "null"}, {float32(math.Inf(1)), "null"}, {[]float64{math.NaN(), 1}, "[null,1]"},
		{math.Copysign(0, -1), "0"},
		{time.UnixMilli(0), `"1970-01-01T00:00:00.000Z"`}, {time.UnixMilli(86400000), `"1970-01-02T00:00:00.000Z"`},
		{time.Date(2024, 2, 29, 14, 5, 6, 123_999_999, zone), `"2024-02-29T12:05:06.123Z"`},
		{struct{ D *time.Time }{new(time.Time)}, `{"D":"0001-01-01T00:00:00.000Z"}`}, {(*time.Time)(nil), "null"},
		{time.Date(12024, 1, 1, 0, 0, 0, 0, time.UTC), `"+012024-01-01T00:00:00.000Z"`},
		{time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), `"-000005-01-01T00:00:00.000Z"`},
		{time.UnixMilli(maxDate), `"+275760-09-13T00:00:00.000Z"`}, {time.UnixMilli(maxDate + 1), "null"}, {time.Unix(1<<62, 0), "null"},
		{RawJSON([]byte(`{"as":  "it is"}`)), `{"as":  "it is"}`}, {Raw{}, "null"}, {[]Raw{RawJSON([]byte("1"))}, "[1]"},
		{struct{ R *Raw }{}, `{"R":null}`},
	} {
		if got := encode(t, c.v); got != c.want {
			t.Errorf("%v: %s, want %s", c.v, got, c.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	loop := map[string]any{}
	loop["self"] = loop
	list := []any{nil}
	list[0] = list
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = ring
	type pointer *pointer
	var p pointer
	p = &p
	typed := map[string][]any{"k": {nil}}
	typed["k"][0] = typed
	for _, c := range []struct {
		v    any
		says string
	}{
		{loop, "contains itself"}, {list, "contains itself"}, {ring, "contains itself"}, {p, "contains itself"}, {typed, "contains itself"},
		{make(chan int), "chan int"}, {func() {}, "func()"}, {1i, "complex128"}, {map[bool]int{true: 1}, "map[bool]int"}, {map[any]any{}, "map["},
		{struct{ C chan int }{}, "chan int"}, {[]any{func() {}}, "func()"},
		{strings.NewReader("x"), "read it first"}, {&bytes.Buffer{}, "read it first"}, {struct{ R io.Reader }{strings.NewReader("")}, "read it first"},
		{struct{ B bytes.Buffer }{}, "read it first"}, {[]any{io.MultiReader()}, "read it first"},
		{failing{}, "will not"}, {lying{}, "not valid JSON"}, {json.RawMessage(`{`), "not valid JSON"}, {json.RawMessage{}, "not valid JSON"},
		{RawJSON([]byte(`1 2`)), "not valid JSON"}, {json.Number("1x"), "not valid"}, {json.Number("true"), "not a number"}, {[]byte("x"), "binary"},
	} {
		for _, msgpack := range []bool{false, true} {
			var err error
			if msgpack {
				if c.says == "binary" {
					continue
				}
				_, err = appendMsgpack(nil, c.v)
			} else {
				_, err = appendJSON(nil, c.v)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%T (msgpack %v): %v, want one that says %q", c.v, msgpack, err, c.says)
			}
		}
	}
	if b, err := appendJSON(nil, struct{ R io.Reader }{}); err != nil || string(b) != `{"R":null}` {
		t.Error("no reader is null:", string(b), err)
	}
}

func TestEncodeBinary(t *testing.T) {
	type blob []byte
	type holder struct {
		B    []byte            `json:"b"`
		Nil  []byte            `json:"nil"`
		Omit []byte            `json:"omit,omitempty"`
		L    []blob            `json:"l"`
		M    map[string][]byte `json:"m"`
		A    any               `json:"a"`
		P    *[]byte           `json:"p"`
	}
	p := []byte("p")
	e := NewEncoder(false, nil)
	defer e.Free()
	err := e.Value(holder{B: []byte("b"), L: []blob{blob("l0"), blob("l1")}, M: map[string][]byte{"z": []byte("z"), "k": {}}, A: []any{[]byte("a")}, P: &p})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"b":#0,"nil":null,"l":[#1,#2],"m":{"k":#3,"z":#4},"a":[#5],"p":#6}`
	for i := range 7 {
		want = strings.Replace(want, "#"+string(rune('0'+i)), `{"_placeholder":true,"num":`+string(rune('0'+i))+`}`, 1)
	}
	if string(e.Bytes()) != want {
		t.Errorf("%s\nwant %s", e.Bytes(), want)
	}
	if got := bytes.Join(e.Attachments(), []byte(",")); string(got) != "b,l0,l1,,z,a,p" {
		t.Errorf("%q", got)
	}
	var back holder
	if err := DecodeJSON(e.Bytes(), e.Attachments(), &back); err != nil || string(back.L[1]) != "l1" || back.Nil != nil || string(*back.P) != "p" {
		t.Errorf("%+v %v", back, err)
	}
}

// TestEncodeRawWithBinary: values of two packets meet in one, so their
// placeholders are counted anew.
func TestEncodeRawWithBinary(t *testing.T) {
	from := NewRaw([]byte(`{"x":"{\"_placeholder\":true,\"num\":0}","y":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]}`), &Source{Attachments: [][]byte{{10}, {11}}})
	e := NewEncoder(false, nil)
	defer e.Free()
	if err := e.Value([]any{[]byte{1}, from, []byte{2}}); err != nil {
		t.Fatal(err)
	}
	if err := CheckPlaceholders(e.Bytes(), 4); err != nil || !reflect.DeepEqual(e.Attachments(), [][]byte{{1}, {11}, {10}, {2}}) {
		t.Errorf("%s %v %v", e.Bytes(), e.Attachments(), err)
	}
	if _, err := from.MarshalJSON(); err == nil {
		t.Error("binary in plain JSON")
	}
}

type recorder struct{ marshalled, unmarshalled []any }

func (r *recorder) Marshal(v any) ([]byte, error) {
	r.marshalled = append(r.marshalled, v)
	return json.Marshal(v)
}

func (r *recorder) Unmarshal(data []byte, v any) error {
	r.unmarshalled = append(r.unmarshalled, v)
	return json.Unmarshal(data, v)
}

// TestCodec: it gets what cannot hold binary, and nothing else.
func TestCodec(t *testing.T) {
	r := &recorder{}
	e := NewEncoder(false, r)
	defer e.Free()
	type tree struct{ Kids []tree }
	theirs := []any{"s", 1, []int{1}, struct{ A string }{"<"}, map[string]int{}, tree{}, netip.Addr{}}
	ours := []any{nil, []byte{1}, []any{1}, map[string]any{}, time.Time{}, struct{ T []time.Time }{}, struct{ R Raw }{}, json.RawMessage("1"), map[string][][]byte{}}
	for _, v := range append(theirs, ours...) {
		if err := e.Value(v); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(r.marshalled, theirs) {
		t.Errorf("marshalled %v", r.marshalled)
	}
	if err := e.Value(&bytes.Buffer{}); err == nil {
		t.Error("a reader went to the codec")
	}
	var x int
	src := &Source{Codec: r}
	if err := NewRaw([]byte("5"), src).Decode(&x); err != nil || x != 5 || len(r.unmarshalled) != 1 {
		t.Error(x, err)
	}
	src = &Source{Codec: r, Attachments: [][]byte{{1}}}
	var l [][]byte
	if err := NewRaw([]byte(`[{"_placeholder":true,"num":0}]`), src).Decode(&l); err != nil || len(r.unmarshalled) != 1 {
		t.Error(l, err)
	}
}
