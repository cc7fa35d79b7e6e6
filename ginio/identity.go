package ginio

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/auth"
)

// found is what Identify has found out.
type found struct {
	id  auth.Identity
	err error
}

type identified struct{}

// Identify is middleware in front of [Mount]: who says whose request it is, by a
// session of gin-contrib/sessions, say, or by what another middleware has found
// out. A request that opens a connection is asked about; [Identity] tells it to
// an [auth.Guard]. An error refuses the client in the namespaces that the Guard
// protects, and nothing else; a [*socketio.Error] tells it why.
//
//	router.Use(ginio.Identify(who))
//	ginio.Mount(router, srv)
//	auth.New(auth.Options{Verify: ginio.Identity}).Protect(srv.Of("/"))
func Identify(who func(c *gin.Context) (auth.Identity, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		id, err := who(c)
		c.Set(identified{}, found{id, err})
	}
}

// Identity is an auth.Options.Verify for clients without a token: they are whom
// [Identify] has found. One with a token is refused; where clients may have
// either, look at the token in a Verify of your own and call this without one.
func Identity(ctx context.Context, _ *socketio.Socket, token string) (auth.Identity, error) {
	f, ok := Value[found](ctx, identified{})
	switch {
	case token != "" || !ok:
		return auth.Identity{}, socketio.Errorf("unauthorized", "please sign in")
	case f.err != nil:
		return auth.Identity{}, f.err
	}
	return f.id, nil
}
