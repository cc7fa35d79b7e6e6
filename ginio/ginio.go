package ginio

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
)

// Mount routes the requests of Socket.IO clients to srv, at srv.Path below the
// router's own path: on a group "/api" clients need the option path
// "/api/socket.io/", on a group "/t/:tenant" it is "/t/acme/socket.io/", and
// [Param] tells handlers which one. Middleware of the router runs for them; one
// that refuses (c.Abort) refuses the client.
//
// Middleware sees every handshake and every WebSocket. Of the polls and posts
// that follow one another on a connection it sees the first only if it sets no
// header field (c.Header), or only such as protect pages, with their usual
// values (X-Content-Type-Options: nosniff, Referrer-Policy, X-Frame-Options,
// Strict-Transport-Security and the like, which all answers then have), and
// leaves c.Writer as it is. With any other it sees each of them, as it does with
// Engine.Middleware or Engine.OnHeaders: what it has made for one request never
// comes with the answer to another.
//
// Polling requests set their own deadlines, so that an http.Server with short
// ReadTimeout and WriteTimeout may be in front. Middleware that gives a request
// so much time is fine: a poll is answered before its context's deadline, with
// nothing if there is nothing, and the client polls again. So is one that
// compresses, and one that buffers whole responses; but behind the latter, and
// in http.TimeoutHandler, connections cannot be taken over: if its
// ResponseWriter has no Hijack, WebSocket is refused and clients stay with
// polling.
//
// It panics, as Gin does, if the route is taken.
func Mount(router gin.IRouter, srv *socketio.Server) {
	path := strings.TrimSuffix(srv.Path(), "/")
	// The last parameter of the route is the rest of the path; the group's come
	// before it, and may have any name.
	router.Any(path+"/*rest", func(c *gin.Context) {
		last := len(c.Params) - 1
		srv.ServeHTTP(c.Writer, request(c, path+c.Params[last].Value, c.Params[:last]))
	})
	if path != "" {
		router.Any(path, func(c *gin.Context) { srv.ServeHTTP(c.Writer, request(c, path, c.Params)) })
	}
}

// request is the one the library sees, at path. Gin uses its Context again for
// other requests, so what is to outlive this one is copied.
func request(c *gin.Context, path string, params gin.Params) *http.Request {
	r := c.Request
	if len(c.Keys) > 0 || len(params) > 0 {
		r = r.WithContext(context.WithValue(r.Context(), keys{}, known{maps.Clone(c.Keys), slices.Clone(params)}))
	}
	if c.Writer.Header().Get("Content-Encoding") != "" && r.Header.Get("Accept-Encoding") != "" {
		// A middleware compresses what is written from here on, and has told the
		// client so. Doing it twice would leave the client with garbage.
		r = r.Clone(r.Context())
		r.Header.Del("Accept-Encoding")
	}
	if r.URL.Path != path {
		if r == c.Request {
			r = r.WithContext(r.Context()) // a copy
		}
		u := *r.URL
		u.Path, u.RawPath = path, ""
		r.URL = &u
	}
	return r
}

type keys struct{}

// known is what a request has that Gin knows of.
type known struct {
	keys   map[any]any
	params gin.Params
}

// Value returns what middleware has stored with c.Set(key, value) in the
// request that opened the connection. ctx is that of a handler or middleware,
// of [socketio.Socket.Context] or of [socketio.Handshake.Context]. It is false
// if there is nothing, or something of another type. The value is shared by all
// handlers of the connection: one that changes it must take care of the others.
func Value[T any](ctx context.Context, key any) (T, bool) {
	all, _ := ctx.Value(keys{}).(known)
	v, ok := all.keys[key].(T)
	return v, ok
}

// Param returns a parameter of the path, as c.Param does, of the request that
// opened the connection: with Mount(router.Group("/t/:tenant"), srv), "tenant" is
// "acme" for those who came to /t/acme/socket.io/. ctx is as for [Value]. It is
// "" if there is none of that name.
func Param(ctx context.Context, name string) string {
	all, _ := ctx.Value(keys{}).(known)
	return all.params.ByName(name)
}
