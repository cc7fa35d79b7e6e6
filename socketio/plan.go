package socketio

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// plan says how a payload type becomes arguments. It is made once for a type.
type plan struct {
	none   bool  // no arguments
	fields []int // Positional: the fields that are arguments, in order
	check  bool  // it is a struct, which Options.Validate may look at
}

var plans sync.Map // of reflect.Type to *plan

var positionalType = reflect.TypeFor[Positional]()

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{none: t == reflect.TypeFor[None]()}
	elem := t
	if t.Kind() == reflect.Pointer {
		elem = t.Elem()
	}
	p.check = elem.Kind() == reflect.Struct
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous && f.Type == positionalType {
				p.fields = positions(t)
				break
			}
		}
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan)
}

func positions(t reflect.Type) []int {
	list := []int{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == positionalType || f.Tag.Get("json") == "-" {
			continue
		}
		if !f.IsExported() {
			panic(fmt.Sprintf("socketio: field %s of the Positional type %v is not exported", f.Name, t))
		}
		list = append(list, i)
	}
	return list
}

func (p *plan) encode(v any) []any {
	switch {
	case p.none:
		return nil
	case p.fields == nil:
		return []any{v}
	}
	rv := reflect.ValueOf(v)
	args := make([]any, len(p.fields))
	for i, f := range p.fields {
		args[i] = rv.Field(f).Interface()
	}
	return args
}

// decode decodes args into what dst points to, and has it validated, by no one
// if srv is nil.
func (p *plan) decode(srv *Server, args *siowire.Args, dst any) error {
	switch {
	case p.none:
		return nil
	case p.fields == nil:
		if args.Len() == 0 {
			return Errorf("invalid", "argument 1 is missing")
		}
		if err := args.At(0).Decode(dst); err != nil {
			return &invalidArg{1, err}
		}
	default:
		rv := reflect.ValueOf(dst).Elem()
		for i, f := range p.fields {
			if i >= args.Len() {
				return Errorf("invalid", "argument %d is missing", i+1)
			}
			if err := args.At(i).Decode(rv.Field(f).Addr().Interface()); err != nil {
				return &invalidArg{i + 1, err}
			}
		}
	}
	if srv != nil && srv.opts.Validate != nil && p.check {
		if err := srv.try("Validate", func() error { return srv.opts.Validate(dst) }); err != nil {
			return fmt.Errorf("%w: %w", Errorf("invalid", "%v", err), err)
		}
	}
	return nil
}
