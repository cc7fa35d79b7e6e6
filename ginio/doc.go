// Package ginio mounts a Socket.IO server in a Gin application:
//
//	ginio.Mount(router, srv)
//	err := ginio.Run(ctx, ":3000", router, srv)
//
// Middleware in front of it works as for any other route, and what it has
// stored with c.Set is at hand in every handler of the connection:
//
//	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) {
//		user, ok := ginio.Value[User](ctx, "user")
//		...
//	})
package ginio
