// Package adminui is the server's side of Socket.IO's Admin UI, the page that is
// published as @socket.io/admin-ui (https://admin.socket.io): the namespace
// /admin, for who knows the password.
//
//	ui, err := adminui.New(io, &adminui.Options{Credential: "ann:$2b$10$…"})
//	defer ui.Close()
//
// The page is served elsewhere: Options.Engine.Origins must let it in. On a
// cluster every node needs it; who is let in by one may go to any other.
package adminui
