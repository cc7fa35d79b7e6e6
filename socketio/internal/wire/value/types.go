package value

import (
	"cmp"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

type (
	decodeFunc func(d *decoder, v reflect.Value) error
	encodeFunc func(e *encoder, v reflect.Value) error
)

// coder is what is known about a type: how its values are decoded and encoded.
// Each half is built when it is first needed, once. Types that contain
// themselves work because a coder refers to others by pointer and looks into
// them only when it runs.
type coder struct {
	t       reflect.Type
	decOnce sync.Once
	dec     decodeFunc
	encOnce sync.Once
	enc     encodeFunc
}

// coders has one coder per type that was ever seen; a program has a bounded
// number of types.
var coders sync.Map // reflect.Type → *coder

func coderOf(t reflect.Type) *coder {
	if c, ok := coders.Load(t); ok {
		return c.(*coder)
	}
	c, _ := coders.LoadOrStore(t, &coder{t: t})
	return c.(*coder)
}

func (c *coder) decode(d *decoder, v reflect.Value) error {
	c.decOnce.Do(func() { c.dec = newDecode(c.t) })
	return c.dec(d, v)
}

func (c *coder) encode(e *encoder, v reflect.Value) error {
	c.encOnce.Do(func() { c.enc = newEncode(c.t) })
	return c.enc(e, v)
}

var (
	rawType             = reflect.TypeFor[Raw]()
	timeType            = reflect.TypeFor[time.Time]()
	numberType          = reflect.TypeFor[json.Number]()
	rawMessageType      = reflect.TypeFor[json.RawMessage]()
	marshalerType       = reflect.TypeFor[json.Marshaler]()
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	readerType          = reflect.TypeFor[io.Reader]()
)

// field is a member of a struct on the wire.
type field struct {
	name      string
	key       string // name as JSON, with the colon
	index     []int  // path through embedded structs
	t         reflect.Type
	coder     *coder
	tagged    bool
	omitEmpty bool
	omitZero  func(reflect.Value) bool
	quoted    bool // the tag's "string" option
}

// fields are a struct's members.
type fields struct {
	list   []field
	byName map[string]int
}

// find returns the field for a key: the exact one, else the first that differs
// only in case.
func (f *fields) find(key string) int {
	if i, ok := f.byName[key]; ok {
		return i
	}
	for i := range f.list {
		if strings.EqualFold(f.list[i].name, key) {
			return i
		}
	}
	return -1
}

var structs sync.Map // reflect.Type → *fields

func fieldsOf(t reflect.Type) *fields {
	if f, ok := structs.Load(t); ok {
		return f.(*fields)
	}
	f, _ := structs.LoadOrStore(t, newFields(t))
	return f.(*fields)
}

// newFields finds the fields of a struct by the rules of encoding/json: of
// several fields with one name the least nested counts, among equals the only
// tagged one, and none if that does not decide.
func newFields(t reflect.Type) *fields {
	type level struct {
		t     reflect.Type
		index []int
	}
	var all []field
	visited := map[reflect.Type]bool{t: true}
	for current := []level{{t, nil}}; len(current) > 0; {
		var next []level
		times := map[reflect.Type]int{} // a type embedded twice at one level hides itself
		for _, l := range current {
			for i := range l.t.NumField() {
				sf := l.t.Field(i)
				f, embedded, ok := newField(sf, l.index)
				switch {
				case !ok:
				case embedded == nil:
					all = append(all, f)
				case !visited[embedded] || times[embedded] > 0:
					visited[embedded] = true
					times[embedded]++
					next = append(next, level{embedded, f.index})
				}
			}
		}
		current = next
	}
	slices.SortStableFunc(all, func(a, b field) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		if c := cmp.Compare(len(a.index), len(b.index)); c != 0 {
			return c
		}
		if a.tagged != b.tagged {
			if a.tagged {
				return -1
			}
			return 1
		}
		return 0
	})
	out := &fields{byName: map[string]int{}}
	for i := 0; i < len(all); {
		n := i + 1
		for n < len(all) && all[n].name == all[i].name {
			n++
		}
		if n == i+1 || len(all[i].index) < len(all[i+1].index) || all[i].tagged != all[i+1].tagged {
			out.list = append(out.list, all[i])
		}
		i = n
	}
	slices.SortFunc(out.list, func(a, b field) int { return slices.Compare(a.index, b.index) })
	for i := range out.list {
		f := &out.list[i]
		out.byName[f.name] = i
		f.key = string(append(appendString(nil, f.name), ':'))
		f.coder = coderOf(f.t)
	}
	return out
}

// newField reads one struct field. embedded is the struct whose fields stand
// for it, if it is embedded without a name.
func newField(sf reflect.StructField, path []int) (f field, embedded reflect.Type, ok bool) {
	base := sf.Type
	if base.Kind() == reflect.Pointer && base.Name() == "" {
		base = base.Elem()
	}
	if !sf.IsExported() && !(sf.Anonymous && base.Kind() == reflect.Struct) {
		return f, nil, false
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return f, nil, false
	}
	name, options, _ := strings.Cut(tag, ",")
	if !validName(name) {
		name = ""
	}
	f = field{name: name, index: append(slices.Clone(path), sf.Index...), t: sf.Type, tagged: name != ""}
	if name == "" {
		if sf.Anonymous && base.Kind() == reflect.Struct {
			return f, base, true
		}
		f.name = sf.Name
	}
	if !sf.IsExported() {
		return f, nil, false
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = zeroTest(sf.Type)
		case "string":
			switch base.Kind() {
			case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
				reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
				reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
				f.quoted = true
			}
		}
	}
	return f, nil, true
}

// validName reports whether a tag's name is one that encoding/json takes:
// letters, digits and most punctuation.
func validName(name string) bool {
	for _, r := range name {
		if strings.ContainsRune(`\"',`+"`", r) || r < ' ' {
			return false
		}
	}
	return name != ""
}

// zeroTest returns what the omitzero option asks: the type's IsZero method, or
// whether the value is Go's zero.
func zeroTest(t reflect.Type) func(reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	zt := reflect.TypeFor[zeroer]()
	switch {
	case t.Kind() == reflect.Interface && t.Implements(zt), t.Kind() == reflect.Pointer && t.Implements(zt):
		return func(v reflect.Value) bool {
			return v.IsNil() || v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() ||
				v.Interface().(zeroer).IsZero()
		}
	case t.Implements(zt):
		return func(v reflect.Value) bool { return v.Interface().(zeroer).IsZero() }
	case reflect.PointerTo(t).Implements(zt):
		return func(v reflect.Value) bool {
			if !v.CanAddr() {
				own := reflect.New(t).Elem()
				own.Set(v)
				v = own
			}
			return v.Addr().Interface().(zeroer).IsZero()
		}
	}
	return reflect.Value.IsZero
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
