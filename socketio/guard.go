package socketio

import (
	"runtime/debug"

	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// contain makes a panic of user code an error. It is to be deferred.
func (srv *Server) contain(where string, err *error) {
	v := recover()
	if v == nil {
		return
	}
	p := &PanicError{Value: v, Stack: debug.Stack()}
	*err = p
	srv.stats.panics.Add(1)
	srv.log.Error("socketio: panic in user code", "where", where, "at", quieter.Site(), "panic", v, "stack", string(p.Stack))
	srv.tracePanicked(where, p)
}

// try calls user code.
func (srv *Server) try(where string, f func() error) (err error) {
	defer srv.contain(where, &err)
	return f()
}

// guard calls user code that has nobody to report an error to: a panic is
// logged and counted.
func (srv *Server) guard(where string, f func()) {
	_ = srv.try(where, func() error { f(); return nil })
}
