package nodewire

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// pack is MessagePack of v.
func pack(t testing.TB, v any) []byte {
	t.Helper()
	e := value.NewEncoder(true, nil)
	defer e.Free()
	if err := e.Value(v); err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), e.Bytes()...)
}

type dict = map[string]any

// TestMalformed: what cannot be understood is refused for a reason of the list,
// whoever would die of it.
func TestMalformed(t *testing.T) {
	opts := dict{"rooms": []any{}, "except": []any{}}
	event := func(data any) dict { return dict{"type": 2, "nsp": "/", "data": data} }
	deep := func(n int, open, end string) string { return strings.Repeat(open, n) + end }
	many := make([]string, maxNames+1)
	binaries := make([]any, maxAttachments+2)
	for i := range binaries {
		binaries[i] = []byte{}
	}
	binaries[0] = "x"
	const broadcast, request, response = "socket.io#/#", "socket.io-request#/#", "socket.io-response#/#"
	const shared = "shared"
	for name, c := range map[string]struct {
		channel string
		payload any // []byte and string as they are, else as MessagePack
		want    Malformed
	}{
		// Each of these ends a Node process.
		"bytes that are nothing":      {broadcast, []byte{0xc1, 0xff, 0x00}, Parse},
		"no opts":                     {broadcast, []any{"abc", event([]any{"x"})}, Parse},
		"opts that are null":          {broadcast, []any{"abc", event([]any{"x"}), nil}, Parse},
		"rooms that are no list":      {broadcast, []any{"abc", event([]any{"x"}), dict{"rooms": 5}}, Names},
		"an empty message":            {broadcast, []byte{}, Parse},
		"no list":                     {broadcast, dict{}, Parse},
		"shared: nothing":             {shared, "{}", Names},
		"shared: no data":             {shared, `{"uid":"x","nsp":"/","type":3}`, Parse},
		"shared: data is null":        {shared, `{"uid":"x","nsp":"/","type":3,"data":null}`, Parse},
		"shared: no opts":             {shared, `{"uid":"x","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["x"]}}}`, Parse},
		"shared: no packet":           {shared, `{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[]}}}`, Parse},
		"request: no opts":            {request, `{"uid":"x","requestId":"r","type":5}`, Parse},
		"request: null":               {request, "null", Parse},
		"request: server-side, text":  {request, `{"uid":"x","type":6,"data":"note"}`, Parse},
		"request: server-side, empty": {request, `{"uid":"x","type":6,"data":[]}`, Packet},
		"request: server-side, {}":    {request, `{"uid":"x","type":6,"data":[{}]}`, Packet},
		"response: null":              {response, "null", Parse},

		// Clients would close their connections.
		"a CONNECT":               {broadcast, []any{"abc", dict{"type": 0, "nsp": "/", "data": []any{"x"}}, opts}, Type},
		"a DISCONNECT":            {broadcast, []any{"abc", dict{"type": 1, "nsp": "/", "data": []any{"x"}}, opts}, Type},
		"an ACK":                  {broadcast, []any{"abc", dict{"type": 3, "nsp": "/", "data": []any{"x"}}, opts}, Type},
		"a CONNECT_ERROR":         {broadcast, []any{"abc", dict{"type": 4, "nsp": "/", "data": []any{"x"}}, opts}, Type},
		"a BINARY_ACK":            {broadcast, []any{"abc", dict{"type": 6, "nsp": "/", "data": []any{"x"}}, opts}, Type},
		"a type that is text":     {broadcast, []any{"abc", dict{"type": "2", "nsp": "/", "data": []any{"x"}}, opts}, Type},
		"no type":                 {broadcast, []any{"abc", dict{"nsp": "/", "data": []any{"x"}}, opts}, Type},
		"a reserved event":        {broadcast, []any{"abc", event([]any{"connect"}), opts}, Packet},
		"another":                 {broadcast, []any{"abc", event([]any{"disconnecting"}), opts}, Packet},
		"an event without name":   {broadcast, []any{"abc", event([]any{}), opts}, Packet},
		"a name that is null":     {broadcast, []any{"abc", event([]any{nil}), opts}, Packet},
		"a name that is binary":   {broadcast, []any{"abc", event([]any{[]byte("x")}), opts}, Packet},
		"data that is no list":    {broadcast, []any{"abc", event("x"), opts}, Parse},
		"no data":                 {broadcast, []any{"abc", dict{"type": 2, "nsp": "/"}, opts}, Parse},
		"a forged placeholder":    {broadcast, []any{"abc", event([]any{"x", []byte("b"), dict{"_placeholder": true, "num": 9}}), opts}, Packet},
		"one that would be taken": {broadcast, []any{"abc", event([]any{"x", []byte("b"), dict{"a": dict{"_placeholder": true, "num": 0}}}), opts}, Packet},

		"a packet that is no map":  {broadcast, []any{"abc", []any{}, opts}, Parse},
		"bytes behind it":          {broadcast, append(pack(t, []any{"abc", event([]any{"x"}), opts}), 0), Parse},
		"cut off":                  {broadcast, pack(t, []any{"abc", event([]any{"x"}), opts})[:20], Parse},
		"a key that is a number":   {broadcast, append([]byte("\x93\xa3abc\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1x\x81\x01\x02"), pack(t, opts)...), Parse},
		"an unknown extension":     {broadcast, append([]byte("\x93\xa3abc\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1x\xd4\x07\x00"), pack(t, opts)...), Parse},
		"too deep":                 {broadcast, "\x93\xa3abc\x83\xa4type\x02\xa3nsp\xa1/\xa4data" + deep(2000, "\x91", "\xc0") + string(pack(t, opts)), Parse},
		"too deep a key's value":   {broadcast, "\x93\xa3abc" + deep(100_000, "\x81\xa1k", "\xc0"), Parse},
		"too many binaries":        {broadcast, []any{"abc", event(binaries), opts}, Size},
		"too many rooms":           {broadcast, []any{"abc", event([]any{"x"}), dict{"rooms": many, "except": []any{}}}, Names},
		"too long a room":          {broadcast, []any{"abc", event([]any{"x"}), dict{"rooms": []any{strings.Repeat("r", maxName+1)}, "except": []any{}}}, Names},
		"a room that is a list":    {broadcast, []any{"abc", event([]any{"x"}), dict{"rooms": []any{[]any{}}, "except": []any{}}}, Names},
		"rooms in a string":        {broadcast, []any{"abc", event([]any{"x"}), dict{"rooms": "room", "except": []any{}}}, Names},
		"too large":                {broadcast, make([]byte, maxBytes+1), Size},
		"an id that is too long":   {broadcast, []any{strings.Repeat("i", 65), event([]any{"x"}), opts}, ID},
		"an id with a hash":        {broadcast, []any{"a#b", event([]any{"x"}), opts}, ID},
		"an id that is a number":   {broadcast, []any{5, event([]any{"x"}), opts}, ID},
		"request: unknown":         {request, `{"uid":"x","type":99}`, Kind},
		"request: an answer":       {request, `{"uid":"x","type":8}`, Kind},
		"request: no type":         {request, `{"uid":"x"}`, Kind},
		"request: type as text":    {request, `{"uid":"x","type":"6","data":["x"]}`, Kind},
		"request: no requestId":    {request, `{"uid":"x","type":5,"opts":{}}`, ID},
		"request: acks, no id":     {request, dict{"uid": "x", "type": 7, "packet": event([]any{"x"}), "opts": opts}, ID},
		"request: hello of nobody": {request, `{"type":201}`, ID},
		"request: a list":          {request, `[]`, Parse},
		"request: cut off":         {request, `{"uid":"x","type":6,"data":["x"]`, Parse},
		"request: more behind":     {request, `{"uid":"x","type":6,"data":["x"]}{}`, Parse},
		"request: not UTF-8":       {request, "{\"uid\":\"x\",\"type\":6,\"data\":[\"\xff\"]}", Parse},
		"request: too deep":        {request, `{"uid":"x","type":6,"data":` + deep(2000, "[", "") + deep(2000, "]", "") + "}", Parse},
		"request: names":           {request, `{"uid":"x","type":2,"opts":{"rooms":[]},"rooms":{}}`, Names},
		"response: no request":     {response, `{"type":8,"clientCount":1}`, ID},
		"response: of nothing":     {response, `{"requestId":"r"}`, Kind},
		"response: a count of -1":  {response, `{"requestId":"r","type":8,"clientCount":-1}`, Parse},
		"response: a large count":  {response, `{"requestId":"r","type":8,"clientCount":1e300}`, Parse},
		"response: sockets":        {response, `{"requestId":"r","type":5,"sockets":{}}`, Parse},
		"shared: unknown":          {shared, `{"uid":"x","nsp":"/","type":14,"data":{}}`, Kind},
		"shared: type as text":     {shared, `{"uid":"x","nsp":"/","type":"3","data":{}}`, Kind},
		"shared: a namespace":      {shared, `{"uid":"x","nsp":"chat","type":3,"data":{}}`, Names},
		"shared: a number":         {shared, `{"uid":"x","nsp":5,"type":3,"data":{}}`, Names},
		"shared: hello of nobody":  {shared, `{"nsp":"/","type":1}`, ID},
		"shared: no requestId":     {shared, `{"uid":"x","nsp":"/","type":7,"data":{"opts":{"rooms":[],"except":[]}}}`, ID},
		"shared: to a number":      {shared, `{"uid":"x","nsp":"/","type":13,"to":5}`, ID},
		"shared: fetch, no data":   {shared, `{"uid":"x","nsp":"/","type":7}`, ID},
		"shared: join, data twice": {shared, `{"uid":"x","nsp":"/","type":4,"data":{"opts":{"rooms":[]}},"data":5}`, Parse},
		"shared: positions":        {shared, `{"uid":"x","nsp":"/","type":1,"data":{"positions":[["/",0]]}}`, Parse},
		"shared: no namespaces":    {shared, `{"uid":"x","nsp":"/","type":1,"data":{"positions":[["x",0,"1"]]}}`, Parse},
	} {
		r := Reader{Self: reader, Prefix: "socket.io"}
		var payload []byte
		switch p := c.payload.(type) {
		case []byte:
			payload = p
		case string:
			payload = []byte(p)
		default:
			payload = pack(t, p)
		}
		var m *adapter.Message
		var err error
		if c.channel == shared {
			m, err = r.Shared("", payload)
		} else {
			m, err = r.Classic(c.channel, payload)
		}
		if why := Malformed(""); m != nil || !errors.As(err, &why) || why != c.want {
			t.Errorf("%s: %v, %v, want %q", name, m, err, c.want)
		}
		// The reader is as good as before.
		if m, err := r.Classic(broadcast, pack(t, []any{"abc", event([]any{"x"}), opts})); err != nil || m == nil || string(m.Data.Text) != `["x"]` || len(m.Rooms) != 0 {
			t.Errorf("after %s: %v, %v", name, m, err)
		}
	}
	r := Reader{Self: reader}
	for name, c := range map[string]struct {
		e    Entry
		want Malformed
	}{
		"no type":        {Entry{NSP: "/", UID: "x"}, Kind},
		"type 300":       {Entry{NSP: "/", UID: "x", Type: "300"}, Kind},
		"no data":        {Entry{NSP: "/", UID: "x", Type: "3"}, Parse},
		"no opts":        {Entry{NSP: "/", UID: "x", Type: "3", Data: `{"packet":{"type":2,"data":["x"]}}`}, Parse},
		"no namespace":   {Entry{UID: "x", Type: "3", Data: `{}`}, Names},
		"no base64":      {Entry{NSP: "/", UID: "x", Type: "3", Data: `!`}, Parse},
		"no MessagePack": {Entry{NSP: "/", UID: "x", Type: "3", Data: `wQ==`}, Parse},
		"an id":          {Entry{NSP: "/", UID: "a b", Type: "3", Data: `{}`}, ID},
		"to":             {Entry{NSP: "/", UID: "x", Type: "13", To: "a b"}, ID},
		"too large":      {Entry{NSP: "/", UID: "x", Type: "3", Data: strings.Repeat(" ", maxBytes+1)}, Size},
	} {
		if m, err := r.Entry(&c.e); m != nil || !errors.Is(err, c.want) {
			t.Errorf("entry, %s: %v, %v, want %q", name, m, err, c.want)
		}
	}
}

// TestWhatHarmsIsNotSent: what official clients or Node's adapters could not
// take is refused before it is sent.
func TestWhatHarmsIsNotSent(t *testing.T) {
	good := func() *adapter.Message {
		return &adapter.Message{Kind: adapter.Broadcast, From: "0123456789abcdef", NS: "/", Data: adapter.Data{Text: []byte(`["x"]`)}}
	}
	text := func(s string, attachments ...[]byte) func(m *adapter.Message) {
		return func(m *adapter.Message) { m.Data = adapter.Data{Text: []byte(s), Attachments: attachments} }
	}
	for name, spoil := range map[string]func(m *adapter.Message){
		"no data":                text(""),
		"no list":                text(`{"a":1}`),
		"a list and more":        text(`["x"] 1`),
		"no JSON":                text(`["x"`),
		"a trailing comma":       text(`["x",]`),
		"not UTF-8":              text("[\"x\",\"\xff\"]"),
		"no event":               text(`[]`),
		"a name that is null":    text(`[null]`),
		"a reserved event":       text(`["connect"]`),
		"reserved, with escapes": text(`["\u0063onnect"]`),
		"a placeholder too many": text(`["x",{"_placeholder":true,"num":1}]`, []byte("b")),
		"a placeholder twice":    text(`["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, []byte("b")),
		"one that is escaped":    text(`["x",{"_placeholder":true,"num":0},{"\u005fplaceholder":true,"num":0}]`, []byte("b")),
		"too deep":               text(`["x",` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "]"),
		"no sender":              func(m *adapter.Message) { m.From = "" },
		"a sender with a hash":   func(m *adapter.Message) { m.From = "a#b" },
		"no namespace":           func(m *adapter.Message) { m.NS = "" },
		"a namespace, no slash":  func(m *adapter.Message) { m.NS = "chat" },
		"too long a room":        func(m *adapter.Message) { m.Rooms = []string{strings.Repeat("r", maxName+1)} },
		"too many exceptions":    func(m *adapter.Message) { m.Except = make([]string, maxNames+1) },
		"too many binaries":      func(m *adapter.Message) { m.Data.Attachments = make([][]byte, maxAttachments+1) },
		"a question, no number":  func(m *adapter.Message) { m.Kind = adapter.Fetch },
		"an answer, no number":   func(m *adapter.Message) { m.Kind = adapter.ClientAck },
		"a question, bad number": func(m *adapter.Message) { m.Request = "a b" },
		"server-side, a number":  func(m *adapter.Message) { m.Kind = adapter.ServerSide; m.Data.Text = []byte(`[1]`) },
		"no such kind":           func(m *adapter.Message) { m.Kind = 99 },
	} {
		m := good()
		spoil(m)
		for form, f := range map[string]func([]byte, *adapter.Message) ([]byte, error){"classic": AppendClassic, "shared": AppendShared, "msgpack": AppendSharedMsgpack, "entry": AppendEntry} {
			if b, err := f([]byte("kept"), m); err == nil || string(b) != "kept" {
				t.Errorf("%s, %s: %q, %v", name, form, b, err)
			}
		}
	}
	if _, err := AppendClassic(nil, good()); err != nil {
		t.Error(err)
	}
}

// TestDefined: what is unusual, and what becomes of it.
func TestDefined(t *testing.T) {
	r := Reader{Self: reader, Prefix: "socket.io"}
	for name, c := range map[string]struct{ data, want string }{ // of MessagePack
		"undefined":                {"\x93\xa1x\xc0\xd4\x00\x00", `["x",null,null]`},
		"NaN and the infinities":   {"\x94\xa1x\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", `["x",null,null,null]`},
		"minus zero":               {"\x92\xa1x\xcb\x80\x00\x00\x00\x00\x00\x00\x00", `["x",0]`},
		"a float of 32 bits":       {"\x92\xa1x\xca\x3f\xc0\x00\x00", `["x",1.5]`},
		"a date of 4 bytes":        {"\x92\xa1x\xd6\xff\x00\x01\x51\x80", `["x","1970-01-02T00:00:00.000Z"]`},
		"a date of 8 bytes":        {"\x92\xa1x\xd7\xff\x1d\x4c\xde\xc0\x65\x53\xf1\x00", `["x","2023-11-14T22:13:20.122Z"]`},
		"a date before 1970":       {"\x92\xa1x\xc7\x0c\xff\x3b\x8b\x87\xc0\xff\xff\xff\xff\xff\xff\xff\xff", `["x","1969-12-31T23:59:59.999Z"]`},
		"a date that cannot be":    {"\x92\xa1x\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", `["x",null]`},
		"the largest integer":      {"\x92\xa1x\xcf\xff\xff\xff\xff\xff\xff\xff\xff", `["x",18446744073709551615]`},
		"the smallest":             {"\x92\xa1x\xd3\x80\x00\x00\x00\x00\x00\x00\x00", `["x",-9223372036854775808]`},
		"doubled keys":             {"\x92\xa1x\x82\xa1k\x01\xa1k\x02", `["x",{"k":1,"k":2}]`},
		"bytes that are not UTF-8": {"\x92\xa1x\xa2\xffa", "[\"x\",\"\uFFFDa\"]"},
		"a lone placeholder":       {"\x92\xa1x\x82\xac_placeholder\xc3\xa3num\x00", `["x",{"\u005fplaceholder":true,"num":0}]`},
		"one beside binary":        {"\x93\xa1x\x81\xac_placeholder\xc2\xc4\x01b", `["x",{"\u005fplaceholder":false},{"_placeholder":true,"num":0}]`},
		"a name that is a number":  {"\x91\x0c", `[12]`},
	} {
		payload := "\x93\xa6abcdef\x83\xa4type\x02\xa4data" + c.data + "\xa3nsp\xa1/\x82\xa5rooms\x90\xa6except\x90"
		m, err := r.Classic("socket.io#/#", []byte(payload))
		if err != nil || m == nil || string(m.Data.Text) != c.want {
			t.Errorf("%s: %v, %v, want %s", name, m, err, c.want)
			if m != nil {
				t.Errorf("%s", m.Data.Text)
			}
		}
	}
	for name, c := range map[string]struct{ text, want string }{ // of JSON
		"integers":            {`[127,128,-32,-33,4294967295,4294967296]`, "\x7f\xcc\x80\xe0\xd0\xdf\xce\xff\xff\xff\xff\xcf\x00\x00\x00\x01\x00\x00\x00\x00"},
		"large whole numbers": {`[9223372036854775808,18446744073709551615]`, "\xcf\x80\x00\x00\x00\x00\x00\x00\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff"},
		"huge whole numbers":  {`[1e21,18446744073709551616,-1e21]`, "\xcb\x44\x4b\x1a\xe4\xd6\xe2\xef\x50\xcb\x43\xf0\x00\x00\x00\x00\x00\x00\xcb\xc4\x4b\x1a\xe4\xd6\xe2\xef\x50"},
		"floats":              {`[0.5,1.0,1e2]`, "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\x01\x64"},
		"beyond all numbers":  {`[1e999]`, "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"},
		"half a pair":         {`["\ud800x"]`, "\xa4\xef\xbf\xbdx"},
		"a pair":              {`["\ud83d\ude00"]`, "\xa4\xf0\x9f\x98\x80"},
		"like a placeholder":  {`[{"_placeholder":true,"num":0}]`, "\xdf\x00\x00\x00\x02\xac_placeholder\xc3\xa3num\x00"},
		"doubled keys":        {`[{"k":1,"k":2}]`, "\xdf\x00\x00\x00\x02\xa1k\x01\xa1k\x02"},
		"white space":         {" [ 1 ,\n{ } ] ", "\x01\xdf\x00\x00\x00\x00"},
	} {
		m := &adapter.Message{Kind: adapter.ClientAck, From: "a", To: "b", NS: "/", Request: "r", Data: adapter.Data{Text: []byte(`[` + c.text + `]`)}}
		b, err := AppendClassic(nil, m)
		if err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%s: %q, %v, want %q", name, b, err, c.want)
		}
	}
}

// TestAnswersOfMoreValues: Node's formats carry one, ours come all.
func TestAnswersOfMoreValues(t *testing.T) {
	for _, text := range []string{`[]`, `[null]`, `[1]`, `[1,2]`, `[{"a":[]},"x",null]`} {
		for _, k := range []adapter.Kind{adapter.ClientAck, adapter.ServerSideAnswer} {
			m := &adapter.Message{Kind: k, From: "a", To: reader, NS: "/", Request: "r", Data: adapter.Data{Text: []byte(text)}}
			r := Reader{Self: reader, Prefix: "socket.io"}
			b, err := AppendClassic(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.Classic("socket.io-response#/#", b); err != nil || string(got.Data.Text) != text {
				t.Errorf("%s: %v, %v", text, got, err)
			}
			for _, form := range []func([]byte, *adapter.Message) ([]byte, error){AppendShared, AppendSharedMsgpack} {
				if b, err = form(nil, m); err != nil {
					t.Fatal(err)
				}
				if got, err := r.Shared("/", b); err != nil || string(got.Data.Text) != text {
					t.Errorf("%s: %v, %v", text, got, err)
				}
			}
		}
	}
}

// TestOldAndSparse: members that Node's own packages leave out.
func TestOldAndSparse(t *testing.T) {
	r := Reader{Self: reader, Prefix: "socket.io"}
	for payload, want := range map[string]string{
		`{"type":2,"opts":{"rooms":["a"]},"rooms":["b"]}`:                                  `join from "" of [a] but [] to [b]`,
		`{"uid":"emitter","type":3,"opts":{"rooms":[],"except":[]},"rooms":[5]}`:           `leave from "" of [] but [] to [5]`,
		`{"type":4,"opts":{"rooms":[],"except":["c"],"flags":null}}`:                       `disconnect from "" of [] but [c] to []`,
		`{"uid":"abc123","requestId":"xyz","type":0,"rooms":["a"]}`:                        `ids from "abc123" of [a] but [] to []`,
		`{"uid":"a","type":2,"type":3,"opts":{},"opts":{"rooms":["é\n"]},"rooms":["b\""]}`: "leave from \"a\" of [é\n] but [] to [b\"]",
	} {
		m, err := r.Classic("socket.io-request#/#", []byte(payload))
		if err != nil || m == nil {
			t.Errorf("%s: %v, %v", payload, m, err)
			continue
		}
		if got := fmt.Sprintf("%s from %q of %v but %v to %v", m.Kind, m.From, m.Rooms, m.Except, m.Names); got != want {
			t.Errorf("%s: %s, want %s", payload, got, want)
		}
	}
	// Without a namespace it is the root's, in classic; in the shared model the
	// channel's.
	if m, err := r.Classic("socket.io#/#", pack(t, []any{"a", dict{"type": 2, "data": []any{"x"}}, dict{"rooms": nil}})); err != nil || m == nil || m.NS != "/" {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := r.Shared("/chat", []byte(`{"uid":"a","type":13}`)); err != nil || m == nil || m.NS != "/chat" || m.Kind != adapter.Goodbye {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := r.Shared("", []byte(`{"uid":"a","nsp":"/","type":4,"data":{"opts":{"rooms":["a"]}},"opts":{"rooms":["b"]},"packet":{},"node":{}}`)); err != nil || len(m.Rooms) != 1 || m.Rooms[0] != "a" {
		t.Errorf("members that are elsewhere: %v, %v", m, err)
	}
	if m, err := r.Entry(&Entry{UID: reader, NSP: "/", Type: "3", Data: "{"}); m != nil || err != nil {
		t.Errorf("an own entry was read: %v, %v", m, err)
	}
	if m, err := r.Shared("/chat", []byte(`{"uid":"a","nsp":"/","type":13}`)); err != nil || m != nil {
		t.Errorf("another namespace's: %v, %v", m, err)
	}
}
