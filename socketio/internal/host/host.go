package host

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"sync"
	"time"
)

// NoTakeOver is for whoever wonders why there is no WebSocket.
const NoTakeOver = "The connection cannot be taken over, as WebSocket needs it: " +
	"HTTP/2, http.TimeoutHandler, or a middleware whose ResponseWriter has neither Hijack nor Unwrap is in front"

// TakeOver is the writer's Hijack. A writer that would take a failure for an
// answer is not even asked: after an error another answer can be written.
func TakeOver(w http.ResponseWriter) (nc net.Conn, rw *bufio.ReadWriter, err error) {
	if _, counts := w.(interface{ Written() bool }); counts {
		// Gin's, say, thinks from then on that its status has been sent.
		if b := bottom(w); !isHijacker(b) {
			return nil, nil, fmt.Errorf("%w by %T", http.ErrNotSupported, b)
		}
	}
	defer caught(&err)
	nc, rw, err = http.NewResponseController(w).Hijack()
	if err == nil && (nc == nil || rw == nil) {
		err = fmt.Errorf("%w by %T, whose Hijack returns nothing", http.ErrNotSupported, w)
	}
	return nc, rw, err
}

func isHijacker(w http.ResponseWriter) bool {
	_, ok := w.(http.Hijacker)
	return ok
}

// Write is the writer's Write.
func Write(w http.ResponseWriter, b []byte) (err error) {
	defer caught(&err)
	_, err = w.Write(b)
	return err
}

// Flush is the writer's Flush. It is not for one that holds back: what that one
// embeds would send an empty answer.
func Flush(w http.ResponseWriter) (err error) {
	defer caught(&err)
	return http.NewResponseController(w).Flush()
}

// HoldsBack reports whether w keeps the answer until the handler has returned,
// with a header of its own. That is what middleware does that may want to give
// another answer, for want of time mostly. It is asked before w is written to.
func HoldsBack(w http.ResponseWriter) bool {
	b := bottom(w)
	return b != w && reflect.ValueOf(b.Header()).Pointer() != reflect.ValueOf(w.Header()).Pointer()
}

// SetReadDeadline sets it for the connection, wherever in w that is found.
func SetReadDeadline(w http.ResponseWriter, t time.Time) error { return setDeadline(w, t, false) }

// SetWriteDeadline is likewise.
func SetWriteDeadline(w http.ResponseWriter, t time.Time) error { return setDeadline(w, t, true) }

func setDeadline(w http.ResponseWriter, t time.Time, write bool) (err error) {
	defer caught(&err)
	for ; w != nil; w = inside(w) {
		if write {
			if c, ok := w.(interface{ SetWriteDeadline(time.Time) error }); ok {
				return c.SetWriteDeadline(t)
			}
		} else if c, ok := w.(interface{ SetReadDeadline(time.Time) error }); ok {
			return c.SetReadDeadline(t)
		}
	}
	return http.ErrNotSupported
}

// caught makes a panic an error. It is to be deferred.
func caught(err *error) {
	switch v := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("%w: a panic: %w", http.ErrNotSupported, v)
	default:
		*err = fmt.Errorf("%w: a panic: %v", http.ErrNotSupported, v)
	}
}

// Unsupported reports whether a writer cannot do what it was asked for, while
// nothing is wrong with its connection.
func Unsupported(err error) bool { return errors.Is(err, http.ErrNotSupported) }

// bottom is the writer in which no other is found.
func bottom(w http.ResponseWriter) http.ResponseWriter {
	for {
		inner := inside(w)
		if inner == nil {
			return w
		}
		w = inner
	}
}

// inside is the ResponseWriter around which w is, nil if none is found.
// Wrappers of middleware usually embed theirs, and often have no Unwrap.
func inside(w http.ResponseWriter) http.ResponseWriter {
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		return u.Unwrap()
	}
	v := reflect.Indirect(reflect.ValueOf(w))
	if v.Kind() != reflect.Struct {
		return nil
	}
	index := embedded(v.Type())
	if index == nil {
		return nil
	}
	field, err := v.FieldByIndexErr(index)
	if err != nil || !field.CanInterface() {
		return nil
	}
	inner, _ := field.Interface().(http.ResponseWriter)
	return inner
}

// embedded is where in a struct a ResponseWriter is embedded; nil if none is. To
// look for it takes long, and a program has few types of writers.
func embedded(t reflect.Type) []int {
	if known, ok := writers.Load(t); ok {
		return known.([]int)
	}
	var index []int
	if f, ok := t.FieldByName("ResponseWriter"); ok && f.Anonymous {
		index = f.Index
	}
	writers.Store(t, index)
	return index
}

var writers sync.Map // by reflect.Type, what embedded has found
