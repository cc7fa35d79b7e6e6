package face

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
)

var errorType = reflect.TypeFor[error]()

// params are the types that a function wants its arguments in, taken apart once.
type params struct {
	in       []param
	variadic bool // the last one takes what is left
}

type param struct {
	typ     reflect.Type // what is decoded into
	pointer bool         // the function wants a pointer to it
	binary  bool         // typ holds parser.Buffers, or is one
}

func newParams(ft reflect.Type, skip int) params {
	p := params{variadic: ft.IsVariadic()}
	for i := skip; i < ft.NumIn(); i++ {
		t := ft.In(i)
		if p.variadic && i == ft.NumIn()-1 {
			t = t.Elem()
		}
		a := param{typ: t}
		if t.Kind() == reflect.Pointer {
			a = param{typ: t.Elem(), pointer: true}
		}
		a.binary = kindOf(a.typ) == buffered
		p.in = append(p.in, a)
	}
	return p
}

// arguments is what an event and an ack have in common.
type arguments interface {
	Len() int
	Arg(i int) socketio.Raw
}

// decode appends the arguments to values, each in its parameter's type. Those that
// are missing are zero, and those that are too many are ignored.
func (p *params) decode(values []reflect.Value, from arguments) ([]reflect.Value, error) {
	for i := range p.in {
		if p.variadic && i == len(p.in)-1 {
			for j := i; j < from.Len(); j++ {
				v, err := p.in[i].decode(from, j)
				if err != nil {
					return nil, err
				}
				values = append(values, v)
			}
			break
		}
		v, err := p.in[i].decode(from, i)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func (a *param) decode(from arguments, i int) (reflect.Value, error) {
	dst := reflect.New(a.typ)
	if i < from.Len() {
		var err error
		if raw := from.Arg(i); a.binary {
			err = decodeBuffered(raw, dst)
		} else {
			err = raw.Decode(dst.Interface())
		}
		if err != nil {
			return dst, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	if a.pointer {
		return dst, nil
	}
	return dst.Elem(), nil
}

// handler is an event's function.
type handler struct {
	params
	f       reflect.Value
	returns []bool // of each result, whether it is an error
}

// newHandler takes f apart. It panics unless f is a function whose first parameter
// is connection, or an interface of the same name that a connection satisfies.
func newHandler(event string, f any, connection reflect.Type) *handler {
	fv := reflect.ValueOf(f)
	if fv.Kind() != reflect.Func || fv.IsNil() {
		panic(fmt.Sprintf("go-socket.io: handler of %q is %T, not a function", event, f))
	}
	ft := fv.Type()
	if ft.NumIn() < 1 || !takes(ft.In(0), connection) || ft.NumIn() == 1 && ft.IsVariadic() {
		panic(fmt.Sprintf("go-socket.io: handler of %q is %T; its first parameter must be %v", event, f, connection))
	}
	h := &handler{params: newParams(ft, 1), f: fv}
	for i := range ft.NumOut() {
		h.returns = append(h.returns, ft.Out(i).Implements(errorType))
	}
	return h
}

func takes(t, connection reflect.Type) bool {
	return t == connection || t.Kind() == reflect.Interface && t.Name() == connection.Name() && connection.Implements(t)
}

// maxInline is how many parameters a call's values hold without growing.
const maxInline = 8

var valuesPool = sync.Pool{New: func() any { return new([maxInline]reflect.Value) }}

// call decodes r and calls the function. It returns what the client is to be told,
// and the first error that the function returned.
func (h *handler) call(c *Conn, r *socketio.Request) (results []any, err error) {
	held := valuesPool.Get().(*[maxInline]reflect.Value)
	defer func() {
		clear(held[:])
		valuesPool.Put(held)
	}()
	values, err := h.decode(append(held[:0], c.face), r)
	if err != nil {
		return nil, err
	}
	out := h.f.Call(values)
	if len(out) == 0 {
		return nil, nil
	}
	results = make([]any, len(out))
	for i, v := range out {
		if h.returns[i] {
			results[i] = nil
			if failed := asError(v); failed != nil {
				results[i] = failure(failed)
				if err == nil {
					err = failed
				}
			}
			continue
		}
		results[i] = v.Interface()
	}
	return results, err
}

func asError(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if v.IsNil() {
			return nil
		}
	}
	err, _ := v.Interface().(error)
	return err
}

// callback is a function that waits for a client's acknowledgement.
type callback struct {
	*params
	f reflect.Value
}

// callbacks are the params of the function types seen so far. Their number is that
// of the function types in the program.
var callbacks sync.Map

func hasCallback(v []any) bool {
	if len(v) == 0 || v[len(v)-1] == nil {
		return false
	}
	switch v[len(v)-1].(type) {
	case string, bool, int, float64, []byte, map[string]any, []any:
		return false
	}
	return reflect.TypeOf(v[len(v)-1]).Kind() == reflect.Func
}

func newCallback(f any) *callback {
	ft := reflect.TypeOf(f)
	p, ok := callbacks.Load(ft)
	if !ok {
		made := newParams(ft, 0)
		p, _ = callbacks.LoadOrStore(ft, &made)
	}
	return &callback{p.(*params), reflect.ValueOf(f)}
}

// call calls the function with an acknowledgement. A panic is its error.
func (cb *callback) call(a socketio.Ack) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	values, err := cb.decode(nil, &a)
	if err != nil {
		return err
	}
	cb.f.Call(values)
	return nil
}
