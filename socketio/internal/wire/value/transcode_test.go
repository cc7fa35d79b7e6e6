package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// slowValue is MsgpackScanner.Value without short cuts.
func slowValue(data []byte, i, depth int) (int, error) {
	it, err := readItem(data, i)
	if err != nil {
		return 0, err
	}
	if it.kind != Array && it.kind != Object {
		return it.body + it.size, nil
	}
	if depth == 0 {
		return 0, errDeep
	}
	i = it.body
	for range it.size {
		if it.kind == Object {
			key, err := readItem(data, i)
			if err != nil || key.kind != String || key.date {
				return 0, errMsgpack
			}
			i = key.body + key.size
		}
		if i, err = slowValue(data, i, depth-1); err != nil {
			return 0, err
		}
	}
	return i, nil
}

// TestShortCuts: what the first byte of a value tells is what its whole head
// tells.
func TestShortCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	check := func(data []byte) {
		t.Helper()
		s := MsgpackScanner{Data: data, MaxDepth: 8}
		got, err := s.Value(0)
		want, wantErr := slowValue(data, 0, 8)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Fatalf("%x: %d, %v, want %d, %v", data, got, err, want, wantErr)
		}
		it, err := readItem(data, 0)
		if k := kindMsgpack(data); err == nil && k != it.kind || err != nil && k != None {
			t.Fatalf("%x: %s, want %s, %v", data, k, it.kind, err)
		}
		if k, n, body := container(data, 0); k != None && (it.kind != k || it.size != n || it.body != body || err != nil) {
			t.Fatalf("%x: %s of %d at %d", data, k, n, body)
		}
		if err == nil && wantErr == nil {
			if _, _, _, err := AppendJSON(nil, nil, 0, data[:want]); err != nil {
				t.Fatalf("%x: %v", data, err)
			}
		}
	}
	for c := range 256 {
		for size := range 24 {
			for _, fill := range []byte{0, 1, 0x0c, 0x91, 0xa1, 0xff} {
				check(append([]byte{byte(c)}, bytes.Repeat([]byte{fill}, size)...))
			}
		}
	}
	heads := []byte{0x81, 0x82, 0x91, 0x92, 0xa1, 0xc0, 0xc4, 0xca, 0xcb, 0xcf, 0xd3, 0xd4, 0xd6, 0xd9, 0xdc, 0xdd, 0xde, 0xdf, 0, 1, 0xff}
	for range 200_000 {
		data := make([]byte, random.IntN(40))
		for i := range data {
			data[i] = heads[random.IntN(len(heads))]
		}
		check(data)
	}
}

func TestAppendMsgpackAndBack(t *testing.T) {
	for _, text := range []string{
		`null`, `[]`, `{}`, `[[],{}]`, `{"a":{"b":[null,true,false]}}`, `"é\u0000\"😀"`, `[0,-1,127,128,255,256,65535,65536,-32,-33,-128,-129,-32768,-32769,4294967295,4294967296,-2147483649]`,
		`[0.1,1e+21,5e-324,-1e-7,18446744073709551615,-9223372036854775808]`, `{"":1,"` + strings.Repeat("k", 40) + `":"` + strings.Repeat("v", 70_000) + `"}`,
		`[{"_placeholder":true,"num":0},"x",{"num":1,"_placeholder":true}]`,
	} {
		attachments := [][]byte{{1, 2}, nil}
		b := AppendMsgpack([]byte{9}, []byte(text), attachments)
		s := MsgpackScanner{Data: b, MaxDepth: 10}
		if end, err := s.Value(1); err != nil || end != len(b) {
			t.Fatalf("%.60s: %d of %d, %v", text, end, len(b), err)
		}
		got, binaries, alike, err := AppendJSON([]byte("x"), nil, 10, b[1:])
		if err != nil || alike {
			t.Fatalf("%.60s: %v", text, err)
		}
		var a, want any
		if err := DecodeJSON(got[1:], binaries, &a); err != nil {
			t.Fatal(err)
		}
		if err := DecodeJSON([]byte(text), [][]byte{{1, 2}, {}}, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, want) {
			t.Errorf("%.60s became %.60s", text, got)
		}
	}
}

func TestAppendJSONBounds(t *testing.T) {
	data := append([]byte{0x94}, bytes.Repeat([]byte{0xc4, 1, 'b'}, 4)...)
	if _, _, _, err := AppendJSON(nil, nil, 3, data); err == nil {
		t.Error("four binaries where three may be")
	}
	if text, attachments, _, err := AppendJSON(nil, nil, 4, data); err != nil || len(attachments) != 4 || strings.Count(string(text), "_placeholder") != 4 {
		t.Errorf("%s, %v", text, err)
	}
	for data, want := range map[string]struct {
		text  string
		alike bool
	}{
		"\x81\xac_placeholder\xc3":          {`{"\u005fplaceholder":true}`, true},
		"\x81\xac_placeholder\xc2":          {`{"\u005fplaceholder":false}`, false},
		"\x81\xac_placeholder\xa4true":      {`{"\u005fplaceholder":"true"}`, false},
		"\x91\xac_placeholder":              {`["_placeholder"]`, false},
		"\x81\xa1k\x81\xac_placeholder\xc3": {`{"k":{"\u005fplaceholder":true}}`, true},
	} {
		text, _, alike, err := AppendJSON(nil, nil, 0, []byte(data))
		if err != nil || string(text) != want.text || alike != want.alike {
			t.Errorf("%q: %s, %v, %v", data, text, alike, err)
		}
		var s Scanner
		s.Init(text, 10)
		s.Escaped(1)
		if end, err := s.Value(0); err != nil || s.End(end) != nil {
			t.Errorf("%s: %v", text, err)
		}
		s.Init(text, 10)
		s.Binaries(1)
		if _, err := s.Value(0); (err != nil) != want.alike {
			t.Errorf("%s, for clients: %v", text, err)
		}
	}
}

// TestAppendBuffers: as JSON.stringify writes them in Node.
func TestAppendBuffers(t *testing.T) {
	text := `["{\"_placeholder\":true,\"num\":0}",{"_placeholder":true,"num":0},{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":2}]`
	got := string(AppendBuffers([]byte("x"), []byte(text), [][]byte{{1, 255}, {}}))
	want := `x["{\"_placeholder\":true,\"num\":0}",{"type":"Buffer","data":[1,255]},{"a":{"type":"Buffer","data":[]}},{"_placeholder":true,"num":2}]`
	if got != want {
		t.Errorf("%s", got)
	}
}

// TestObjects reads objects member by member, good ones and bad.
func TestObjects(t *testing.T) {
	members := func(text string) (list []string, err error) {
		var s Scanner
		s.Init([]byte(text), 3)
		i, end, err := s.OpenObject(0)
		for i >= 0 && err == nil {
			var key []byte
			if key, i, err = s.Key(i); err != nil {
				return nil, err
			}
			name, _ := Text(key)
			var after int
			if after, err = s.Value(i); err != nil {
				return nil, err
			}
			list = append(list, name+"="+text[i:after])
			i, end, err = s.NextMember(after)
		}
		if err == nil {
			err = s.End(end)
		}
		return list, err
	}
	for _, text := range []string{`{}`, ` {}`, `{ }`, `{"a":1}`, "{ \"a\" : 1 ,\n\"b\" : [ ] } ", `{"a\n":{"b":{}},"a\n":"é"}`, `{`, `{"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":1 "b":2}`,
		`{"a":1}x`, `{a:1}`, `{1:1}`, `[]`, ``, `null`, `{"a":01}`, `{"a":1]`, "{\"\xff\":1}", `{"a":[[1]]}`, `{"a":[[[1]]]}`} {
		list, err := members(text)
		if ok := Valid([]byte(text), 3) && text[0] == '{'; ok != (err == nil) {
			t.Errorf("%s: %q, %v", text, list, err)
			continue
		}
		if err == nil {
			var want map[string]json.RawMessage
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatal(err)
			}
			for name, val := range want {
				if !strings.Contains(fmt.Sprint(list), name+"="+string(val)) {
					t.Errorf("%s: %q", text, list)
				}
			}
		}
	}
}
