// Package host reaches through the http.ResponseWriter of an application to
// the connection behind it. Writers are wrapped by middleware of all kinds:
// some have no Unwrap, some cannot flush or be taken over, and some panic when
// they are asked to. Here that is an error.
package host

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"time"
)

// TakeOver is the writer's Hijack. A writer that would take a failure for an
// answer is not even asked: after an error another answer can be written.
func TakeOver(w http.ResponseWriter) (nc net.Conn, rw *bufio.ReadWriter, err error) {
	if _, counts := w.(interface{ Written() bool }); counts && !takeable(w) {
		// Gin's, say, thinks from then on that its status has been sent.
		return nil, nil, fmt.Errorf("%T: %w", bottom(w), http.ErrNotSupported)
	}
	err = try(func() (err error) {
		nc, rw, err = http.NewResponseController(w).Hijack()
		return err
	})
	if err == nil && (nc == nil || rw == nil) {
		err = fmt.Errorf("%T: Hijack returned nothing", w)
	}
	return nc, rw, err
}

// Flush is the writer's Flush.
func Flush(w http.ResponseWriter) error {
	return try(http.NewResponseController(w).Flush)
}

// SetReadDeadline sets it for the connection, wherever in w that is found.
func SetReadDeadline(w http.ResponseWriter, t time.Time) error {
	return onConn(w, func(c *http.ResponseController) error { return c.SetReadDeadline(t) })
}

// SetWriteDeadline is likewise.
func SetWriteDeadline(w http.ResponseWriter, t time.Time) error {
	return onConn(w, func(c *http.ResponseController) error { return c.SetWriteDeadline(t) })
}

// onConn has f called with the writer, and with those in it that a controller
// does not find, for as long as they do not support it.
func onConn(w http.ResponseWriter, f func(*http.ResponseController) error) error {
	for {
		err := try(func() error { return f(http.NewResponseController(w)) })
		if !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for { // what the controller has seen
			u, ok := w.(interface{ Unwrap() http.ResponseWriter })
			if !ok {
				break
			}
			w = u.Unwrap()
		}
		if w = embedded(w); w == nil {
			return err
		}
	}
}

// try returns a panic of f as an error.
func try(f func() error) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("%w: a panic: %w", http.ErrNotSupported, v)
		default:
			err = fmt.Errorf("%w: a panic: %v", http.ErrNotSupported, v)
		}
	}()
	return f()
}

// takeable reports whether the writer at the bottom can be taken over.
func takeable(w http.ResponseWriter) bool {
	_, ok := bottom(w).(http.Hijacker)
	return ok
}

// bottom is the writer in which no other is found.
func bottom(w http.ResponseWriter) http.ResponseWriter {
	for {
		inner := embedded(w)
		if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
			inner = u.Unwrap()
		}
		if inner == nil {
			return w
		}
		w = inner
	}
}

// embedded is the ResponseWriter that the struct w embeds, nil if there is
// none. Wrappers of middleware usually embed theirs, and often have no Unwrap.
func embedded(w http.ResponseWriter) http.ResponseWriter {
	v := reflect.Indirect(reflect.ValueOf(w))
	if v.Kind() != reflect.Struct {
		return nil
	}
	f, ok := v.Type().FieldByName("ResponseWriter")
	if !ok || !f.Anonymous {
		return nil
	}
	inner, err := v.FieldByIndexErr(f.Index)
	if err != nil || !inner.CanInterface() {
		return nil
	}
	found, _ := inner.Interface().(http.ResponseWriter)
	return found
}
