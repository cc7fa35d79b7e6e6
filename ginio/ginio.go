// Package ginio mounts a Socket.IO server in a Gin application:
//
//	ginio.Mount(router, io)
//
// Middleware in front of it works as for any other route, and what it has
// stored with c.Set is at hand in every handler of the connection:
//
//	io.OnConnect(func(ctx context.Context, s *socketio.Socket) {
//		user, ok := ginio.Value[User](ctx, "user")
//		...
//	})
package ginio

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
)

// Mount routes the requests of Socket.IO clients to io, at io.Path below the
// router's own path: on a group "/api" clients need the option path
// "/api/socket.io/". Middleware of the router runs for them; one that refuses
// (c.Abort) refuses the client. Of the polls and posts that follow one another
// on a connection it sees the first only, unless Engine.Middleware is set.
//
// Polling requests set their own deadlines, so that an http.Server with short
// ReadTimeout and WriteTimeout may be in front. Middleware that buffers whole
// responses does not work with a poll that waits; one that compresses does.
//
// It panics, as Gin does, if the route is taken.
func Mount(router gin.IRouter, io *socketio.Server) {
	base := ""
	if group, ok := router.(interface{ BasePath() string }); ok {
		base = strings.TrimSuffix(group.BasePath(), "/")
	}
	handler := http.Handler(io)
	if base != "" {
		handler = http.StripPrefix(base, io)
	}
	serve := func(c *gin.Context) { handler.ServeHTTP(writer(c), request(c)) }
	path := strings.TrimSuffix(io.Path(), "/")
	router.Any(path+"/*rest", serve)
	if path != "" {
		router.Any(path, serve)
	}
}

// request is the one the library sees. Gin uses its Context again for other
// requests, so what is to outlive this one is copied.
func request(c *gin.Context) *http.Request {
	r := c.Request
	if len(c.Keys) > 0 {
		r = r.WithContext(context.WithValue(r.Context(), keys{}, maps.Clone(c.Keys)))
	}
	if c.Writer.Header().Get("Content-Encoding") != "" && r.Header.Get("Accept-Encoding") != "" {
		// A middleware compresses what is written from here on, and has told the
		// client so. Doing it twice would leave the client with garbage.
		r = r.Clone(r.Context())
		r.Header.Del("Accept-Encoding")
	}
	return r
}

// writer is the one the library sees: c.Writer, on which deadlines can be set.
// Middleware that wraps it usually embeds gin.ResponseWriter, which has no
// Unwrap, so that http.ResponseController would not find the connection.
func writer(c *gin.Context) http.ResponseWriter {
	if inner := embedded(c.Writer); inner != nil {
		return wrapped{c.Writer, inner}
	}
	return c.Writer
}

type wrapped struct {
	gin.ResponseWriter
	inner http.ResponseWriter
}

func (w wrapped) Unwrap() http.ResponseWriter { return w.inner }

// embedded looks into the wrappers that embed their ResponseWriter for one
// that can be unwrapped. It is nil if w can be, or none is found.
func embedded(w http.ResponseWriter) http.ResponseWriter {
	var found http.ResponseWriter
	for {
		if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
			return found
		}
		v := reflect.Indirect(reflect.ValueOf(w))
		if v.Kind() != reflect.Struct {
			return nil
		}
		field := v.FieldByName("ResponseWriter")
		if !field.IsValid() || !field.CanInterface() {
			return nil
		}
		inner, ok := field.Interface().(http.ResponseWriter)
		if !ok {
			return nil
		}
		w, found = inner, inner
	}
}

type keys struct{}

// Value returns what middleware has stored with c.Set(key, value) in the
// request that opened the connection. ctx is that of a handler, of
// Socket.Context or of Handshake.Context. It is false if there is nothing, or
// something of another type. The value is shared by all handlers of the
// connection: one that changes it must take care of the others.
func Value[T any](ctx context.Context, key any) (T, bool) {
	all, _ := ctx.Value(keys{}).(map[any]any)
	v, ok := all[key].(T)
	return v, ok
}
