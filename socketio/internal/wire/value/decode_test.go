package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

type embedded struct {
	E    int
	Over string
}

type Pointed struct{ P *int }

type upper string

func (u *upper) UnmarshalText(b []byte) error { *u = upper(strings.ToUpper(string(b))); return nil }

type shouting string

func (s *shouting) UnmarshalJSON(b []byte) error { *s = shouting(string(b) + "!"); return nil }

type everything struct {
	embedded
	*Pointed
	Bool    bool
	Int     int
	I8      int8
	U16     uint16
	F32     float32
	F64     float64 `json:"f64"`
	Str     string  `json:"str,omitempty"`
	Bytes   []byte
	Ints    []int
	Arr     [2]string
	Map     map[string]int
	IntMap  map[int]string
	TextMap map[netip.Addr]bool
	Any     any
	Ptr     *everything
	Raw     json.RawMessage
	Num     json.Number
	Time    time.Time
	Addr    netip.Addr
	Upper   upper
	Shout   shouting
	Quoted  int    `json:",string"`
	QStr    string `json:"qstr,string"`
	Over    bool
	Dash    int `json:"-"`
	_       int
}

// TestDecodeLikeEncodingJSON compares every combination of a text and a
// destination with encoding/json.
func TestDecodeLikeEncodingJSON(t *testing.T) {
	texts := []string{
		`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1.5`, `1e3`, `127`, `128`, `-129`, `65535`, `65536`, `1e21`, `1e-7`, `0.1`, `123456789012345678`,
		`9007199254740993`, `9223372036854775807`, `9223372036854775808`, `18446744073709551615`, `18446744073709551616`, `3.4e39`, `1e400`, `-1e400`,
		`1.7976931348623157e308`, `5e-324`, `2.2250738585072014e-308`, `0.000001`, `123456.789e-10`, `12345678901234567890.5`,
		`""`, `"a"`, `"é日本😀"`, `"\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\ude00x"`, `"\ud83d\u0041"`, `"\ud83dA"`, `"\u2028\u2029"`, `"\"\\\/\b\f\n\r\t\u0000"`,
		`"aGVsbG8="`, `"!!"`, `"2020-01-02T03:04:05.678Z"`, `"127.0.0.1"`, `"17"`, `"long enough to need more than one word of eight bytes \n and on"`,
		`[]`, `[1]`, `[1,2,3]`, `["a","b"]`, `["a","b","c"]`, `[null]`, `[[],[[]]]`, `[1,"a",true,null,{},[]]`, ` [ 1 , 2 ] `,
		`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"1":"x","-2":"y"}`, `{"::1":true}`, `{"a":{"b":[{"c":null}]}}`, ` { "a" : 1 , "b" : [ ] } `, `{"":""}`,
		`{"Bool":true,"Int":5,"I8":-8,"U16":16,"F32":1.25,"f64":-2.5e-3,"str":"s","Bytes":"AQI=","Ints":[1,2],"Arr":["x"],"Map":{"k":1},
		"IntMap":{"3":"c"},"TextMap":{"10.0.0.1":true},"Any":{"x":[1]},"Ptr":{"Int":6,"Ptr":null},"Raw":{"r" : 1},"Num":12.50,
		"Time":"2020-01-02T03:04:05.678Z","Addr":"::1","Upper":"up","Shout":[1],"Quoted":"7","qstr":"\"q\"","E":4,"Over":true,"P":9,"Dash":1,"hidden":2}`,
		`{"bool":true,"INT":5,"F64":1,"STR":"fold","ſtr":"kelvin","unknown":{"deep":[1,"}",{"x":"]"}]},"Int":6}`,
		`{"Ints":[1,"x"]}`, `{"Ptr":{"Ptr":{"Int":"no"}}}`, `{"Quoted":7}`, `{"Quoted":"x"}`, `{"Quoted":null}`, `{"I8":200}`, `{"Num":"12"}`, `{"Num":"x"}`,
		`{"Bytes":[1,2]}`, `{"Bytes":null,"Any":null,"Ptr":null,"Map":null}`, `{"b\u006fol":true}`, `{"IntMap":{"x":"y"}}`, `{"Time":5}`, `{"Arr":[1]}`,
		`{"Arr":["a","b","c"]}`, `{"Shout":null}`, `{"Upper":null}`, `{"Upper":1}`, `{"P":null}`,
	}
	one := 1
	targets := []func() any{
		func() any { return new(any) },
		func() any { return new(string) },
		func() any { return new(int) },
		func() any { return new(int8) },
		func() any { return new(int64) },
		func() any { return new(uint) },
		func() any { return new(uint16) },
		func() any { return new(float32) },
		func() any { return new(float64) },
		func() any { return new(bool) },
		func() any { return new([]byte) },
		func() any { return new([]int) },
		func() any { return new([]any) },
		func() any { return new([2]string) },
		func() any { return &[2]int{5, 6} },
		func() any { return new([]string) },
		func() any { return new(map[string]any) },
		func() any { return &map[string]int{"old": 1} },
		func() any { return &map[string]any{"old": 1, "a": "b"} },
		func() any { return new(map[string]int) },
		func() any { return new(map[int]string) },
		func() any { return new(map[netip.Addr]bool) },
		func() any { return new(map[upper]string) },
		func() any { return new(*int) },
		func() any { p := &one; return &p },
		func() any { return new(**string) },
		func() any { return new(json.RawMessage) },
		func() any { return new(json.Number) },
		func() any { return new(time.Time) },
		func() any { return new(netip.Addr) },
		func() any { return new(upper) },
		func() any { return new(shouting) },
		func() any { return new(everything) },
		func() any { return new(*everything) },
		func() any { return new([]everything) },
		func() any { return new(struct{ A map[string][]struct{ C *int } }) },
		func() any { var v any = new(int); return &v },
		func() any { return new(error) },
		func() any { return new(chan int) },
		func() any { return new(func()) },
		func() any { return new(complex128) },
		func() any { return new(struct{}) },
	}
	for _, text := range texts {
		if !Valid([]byte(text), 10) {
			t.Fatalf("%s: refused", text)
		}
		for _, target := range targets {
			want, got := target(), target()
			wantErr := json.Unmarshal([]byte(text), want)
			given := []byte(text)
			gotErr := DecodeJSON(given, nil, got)
			for i := range given {
				given[i] = 'x' // what was decoded must not depend on it
			}
			if (wantErr == nil) != (gotErr == nil) {
				t.Errorf("%s into %T: %v, encoding/json: %v", text, got, gotErr, wantErr)
				continue
			}
			var wantMismatch, gotMismatch *json.UnmarshalTypeError
			if errors.As(wantErr, &wantMismatch) && errors.As(gotErr, &gotMismatch) && wantMismatch.Field != gotMismatch.Field {
				t.Errorf("%s into %T: field %q, encoding/json: %q", text, got, gotMismatch.Field, wantMismatch.Field)
			}
			if wantErr == nil && !reflect.DeepEqual(want, got) {
				t.Errorf("%s into %T: %+v, encoding/json: %+v", text, got, reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem())
			}
		}
	}
}

// TestSliceGrowth: what is allocated for slices stays in proportion to the
// text, also when that is made to mislead.
func TestSliceGrowth(t *testing.T) {
	type large struct {
		_ [200]byte
		N int
	}
	text := []byte("[" + strings.Repeat("[{},{}],", 20_000) + "[]]")
	var v [][]large
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := DecodeJSON(text, nil, &v); err != nil || len(v) != 20_001 || len(v[0]) != 2 {
		t.Fatal(err, len(v))
	}
	runtime.ReadMemStats(&after)
	if got, least := after.TotalAlloc-before.TotalAlloc, uint64(2*20_000*208); got > 3*least {
		t.Errorf("%d bytes for %d of elements", got, least)
	}
}

func TestDecodeInvalidTargets(t *testing.T) {
	var nilPointer *int
	for _, dst := range []any{nil, 5, "x", nilPointer, (*any)(nil), (*string)(nil), (*[]byte)(nil)} {
		var invalid *json.InvalidUnmarshalError
		if err := DecodeJSON([]byte(`"x"`), nil, dst); !errors.As(err, &invalid) {
			t.Errorf("%T: %v", dst, err)
		}
	}
}

// TestDecodeIntoUsedSlice: its memory is used again, what was in it is not seen
// (encoding/json shows it where the text has null).
func TestDecodeIntoUsedSlice(t *testing.T) {
	s := []int{7, 8, 9}
	first := &s[0]
	if err := DecodeJSON([]byte(`[null,1]`), nil, &s); err != nil || len(s) != 2 || s[0] != 0 || s[1] != 1 || &s[0] != first {
		t.Error(s, err)
	}
}

func TestDecodeNegativeZero(t *testing.T) {
	var v any
	if err := DecodeJSON([]byte("-0"), nil, &v); err != nil || !math.Signbit(v.(float64)) {
		t.Errorf("-0 is %v (%v), JSON.parse gives -0", v, err)
	}
}

// TestStringsOfLargeValues: strings of a large value must be copies of their own.
func TestStringsOfLargeValues(t *testing.T) {
	for _, size := range []int{10, shareText - 20, shareText, 3 * shareText} {
		text := []byte(`["` + strings.Repeat("x", size) + `","abc","d\n"]`)
		var v any
		if err := DecodeJSON(text, nil, &v); err != nil {
			t.Fatal(err)
		}
		clear(text)
		if got := v.([]any); got[1] != "abc" || got[2] != "d\n" || len(got[0].(string)) != size {
			t.Errorf("size %d: %q", size, got[1:])
		}
	}
}

func TestDecodeBinary(t *testing.T) {
	atts := [][]byte{{1, 2}, {}, {3}}
	text := []byte(`{"a":{"_placeholder":true,"num":0},"l":[{ "num" : 2 , "_placeholder" : true },{"_placeholder":false,"num":0}],"z":{"_placeholder":true,"num":1},"s":"AQI="}`)
	var v any
	if err := DecodeJSON(text, atts, &v); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": []byte{1, 2}, "z": []byte{}, "s": "AQI=",
		"l": []any{[]byte{3}, map[string]any{"_placeholder": false, "num": 0.0}},
	}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("any: %v", v)
	}
	type blob []byte
	var s struct {
		A blob
		L []any
		Z *[]byte
		S []byte
		R Raw `json:"l"`
	}
	if err := DecodeJSON(text, atts, &s); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.A, atts[0]) || s.Z == nil || *s.Z == nil || len(*s.Z) != 0 || !bytes.Equal(s.S, []byte{1, 2}) {
		t.Errorf("struct: %+v", s)
	}
	var l []Raw
	if err := s.R.Decode(&l); err != nil {
		t.Fatal(err)
	}
	if b, ok := l[0].Bytes(); !ok || b[0] != 3 || l[1].Kind() != Object || l[0].Kind() != Binary {
		t.Errorf("raw: %v", l)
	}
	for _, dst := range []any{new(string), new(int), new(map[string]any), new(struct{ Num int }), new(json.RawMessage), new(time.Time)} {
		if err := DecodeJSON([]byte(`{"_placeholder":true,"num":0}`), atts, dst); err == nil {
			t.Errorf("binary went into a %T", dst)
		}
	}
	if b := s.A; cap(b) != len(b) {
		t.Error("appending to one binary can reach the next")
	}
}

// TestPlaceholdersWithoutAttachments: in a packet without binary they are
// objects like others.
func TestPlaceholdersWithoutAttachments(t *testing.T) {
	var v any
	if err := DecodeJSON([]byte(`{"_placeholder":true,"num":0}`), nil, &v); err != nil || v.(map[string]any)["num"] != 0.0 {
		t.Error(v, err)
	}
}

func FuzzDecodeAny(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\ud83d\ude00",null,true,{"b":{}}]}`, `[-0.0,1e400,0.1,1234567890123456789]`, `"\ud800"`, ` [ ] `, `{"k\n":"v","k\n":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var scanner Scanner
		scanner.Init(data, 100)
		end, err := scanner.Value(scanner.space(0))
		if err == nil {
			err = scanner.End(end)
		}
		if err != nil {
			// Stricter than encoding/json only about encoding and depth.
			if json.Valid(data) && !errors.Is(err, errUTF8) && !strings.Contains(err.Error(), "nested") {
				t.Fatalf("%q refused: %v", data, err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q accepted", data)
		}
		var got, want any
		gotErr, wantErr := DecodeJSON(data, nil, &got), json.Unmarshal(data, &want)
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json: %v", data, gotErr, wantErr)
		}
		if gotErr == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, encoding/json: %#v", data, got, want)
		}
		var s, ws everything
		gotErr, wantErr = DecodeJSON(data, nil, &s), json.Unmarshal(data, &ws)
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%q into a struct: %v, encoding/json: %v", data, gotErr, wantErr)
		}
		if gotErr == nil && !reflect.DeepEqual(s, ws) {
			t.Fatalf("%q into a struct: %#v, encoding/json: %#v", data, s, ws)
		}
	})
}
