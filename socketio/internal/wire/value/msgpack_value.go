package value

import (
	"encoding/binary"
	"math"
	"reflect"
	"strconv"
)

// decodeMsgpack decodes a value that a MsgpackScanner accepted. An `any` is
// built directly; other types get the value as JSON, so that tags, methods and
// errors are the same with either parser.
func decodeMsgpack(r Raw, dst any) error {
	if p, ok := dst.(*any); ok && p != nil && (*p == nil || reflect.TypeOf(*p).Kind() != reflect.Pointer) {
		v, _, err := msgpackAny(r.data, 0)
		if err == nil {
			*p = v
		}
		return err
	}
	text, attachments, err := msgpackToJSON(r.data)
	if err != nil {
		return err
	}
	if r.src.Codec != nil && len(attachments) == 0 {
		return r.src.Codec.Unmarshal(text, dst)
	}
	return DecodeJSON(text, attachments, dst)
}

// msgpackAny decodes the value at i into what DecodeJSON makes an any: all
// numbers are float64, dates are ISO strings, undefined is nil.
func msgpackAny(data []byte, i int) (v any, end int, err error) {
	it, err := readItem(data, i)
	if err != nil {
		return nil, 0, err
	}
	end = it.body + it.size
	switch it.kind {
	case Bool:
		return it.int == 1, it.body, nil
	case Number:
		return it.float, it.body, nil
	case String:
		return it.text(data), end, nil
	case Binary:
		return data[it.body:end:end], end, nil
	case Array:
		list := make([]any, it.size)
		i = it.body
		for n := range list {
			if list[n], i, err = msgpackAny(data, i); err != nil {
				return nil, 0, err
			}
		}
		return list, i, nil
	case Object:
		// A member takes at least two bytes but far more as a map's entry: room for all
		// is made only as they come.
		m := make(map[string]any, min(it.size, 64))
		i = it.body
		for range it.size {
			key, err := readItem(data, i)
			if err != nil {
				return nil, 0, err
			}
			if v, i, err = msgpackAny(data, key.body+key.size); err != nil {
				return nil, 0, err
			}
			m[key.text(data)] = v
		}
		return m, i, nil
	}
	return nil, end, nil
}

// text returns a string, or a date in its ISO form.
func (it item) text(data []byte) string {
	if it.date {
		return string(appendDate(nil, it.time(data)))
	}
	return valid(string(data[it.body : it.body+it.size]))
}

// msgpackToJSON turns a value into JSON with placeholders for its binaries,
// which alias data.
func msgpackToJSON(data []byte) (text []byte, attachments [][]byte, err error) {
	e := encoder{buf: make([]byte, 0, len(data)+len(data)/2)}
	_, err = e.fromMsgpack(data, 0)
	return e.buf, e.attachments, err
}

func (e *encoder) fromMsgpack(data []byte, i int) (end int, err error) {
	if i < len(data) {
		switch c := data[i]; {
		case c < 0x80:
			e.buf = strconv.AppendUint(e.buf, uint64(c), 10)
			return i + 1, nil
		case c >= 0xa0 && c < 0xc0 && len(data)-i > int(c&0x1f):
			end = i + 1 + int(c&0x1f)
			e.buf = appendString(e.buf, borrow(data[i+1:end]))
			return end, nil
		}
	}
	if k, n, body := container(data, i); k != None {
		return e.membersFrom(data, k, n, body)
	}
	it, err := readItem(data, i)
	if err != nil {
		return 0, err
	}
	end = it.body + it.size
	switch it.kind {
	case Bool:
		e.bool(it.int == 1)
		return it.body, nil
	case Number:
		switch it.class {
		case signed:
			e.int(it.int)
		case unsigned:
			e.uint(it.uint)
		default:
			e.float(it.float, 64)
		}
		return it.body, nil
	case String:
		if it.date {
			e.time(it.time(data))
		} else {
			e.str(borrow(data[it.body:end]))
		}
	case Binary:
		if len(e.attachments) >= e.most && e.most > 0 {
			return 0, errBinaries
		}
		e.binary(data[it.body:end:end])
	default:
		e.null()
	}
	return end, nil
}

// membersFrom turns the n elements, or members, at i into JSON.
func (e *encoder) membersFrom(data []byte, k Kind, n, i int) (end int, err error) {
	first, last := byte('['), byte(']')
	if k == Object {
		first, last = '{', '}'
	}
	e.buf = append(e.buf, first)
	for m := range n {
		if m > 0 {
			e.buf = append(e.buf, ',')
		}
		if k == Object {
			if i, err = e.key(data, i); err != nil {
				return 0, err
			}
			e.buf = append(e.buf, ':')
		}
		if i, err = e.fromMsgpack(data, i); err != nil {
			return 0, err
		}
	}
	e.buf = append(e.buf, last)
	return i, nil
}

// transcode appends JSON that a Scanner accepted as MessagePack, attachments in
// the place of their placeholders. The lengths of arrays and objects are not
// known before their end, so they are written with 32 bits and filled in.
func (e *encoder) transcode(text []byte, attachments [][]byte) error {
	d := decoder{data: text, attachments: attachments}
	return e.fromJSON(&d)
}

func (e *encoder) fromJSON(d *decoder) error {
	d.space()
	switch c := d.data[d.i]; c {
	case '"':
		e.text(d.raw())
	case '{':
		if b, ok := d.binary(); ok {
			if b == nil { // an empty one
				b = []byte{}
			}
			e.binary(b)
			return nil
		}
		at := e.openCounted(0xdf)
		d.i++
		n := uint32(0)
		for ; ; n++ {
			key, plain, ok := d.member()
			if !ok {
				break
			}
			e.text(key, plain)
			if err := e.fromJSON(d); err != nil {
				return err
			}
		}
		binary.BigEndian.PutUint32(e.buf[at:], n)
	case '[':
		at := e.openCounted(0xdd)
		d.i++
		n := uint32(0)
		for {
			if d.space(); d.data[d.i] == ']' {
				d.i++
				break
			}
			if err := e.fromJSON(d); err != nil {
				return err
			}
			n++
			if d.space(); d.data[d.i] == ',' {
				d.i++
			}
		}
		binary.BigEndian.PutUint32(e.buf[at:], n)
	case 't', 'f':
		e.bool(c == 't')
		d.skip()
	case 'n':
		e.null()
		d.i += len("null")
	default:
		e.number(d.number())
	}
	return nil
}

// text writes the text of a JSON string as MessagePack.
func (e *encoder) text(raw []byte, plain bool) {
	if plain && len(raw) < 0x20 {
		e.buf = append(append(e.buf, 0xa0|byte(len(raw))), raw...)
		return
	}
	e.str(name(raw, plain))
}

func (e *encoder) openCounted(c byte) (at int) {
	e.buf = append(e.buf, c, 0, 0, 0, 0)
	return len(e.buf) - 4
}

func (e *encoder) number(num []byte) {
	if i, err := integer(num); err == nil {
		e.int(i)
		return
	}
	if len(num) >= 19 && digits(num, 0) == len(num) {
		if u, err := strconv.ParseUint(borrow(num), 10, 64); err == nil {
			e.uint(u)
			return
		}
	}
	f, err := float(num)
	if err != nil { // out of range: what JSON.parse makes of it
		f = math.Inf(1)
		if num[0] == '-' {
			f = math.Inf(-1)
		}
	}
	e.float(f, 64)
}
