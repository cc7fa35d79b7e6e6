// Package playground is a page on which a Socket.IO server is tried out: the
// events of its description with a form and a sample for each, and everything
// else by hand; several connections side by side, to this server or any other,
// with the client of today and the one of revision 3; acknowledgements, binary,
// and every frame on the wire taken apart.
//
// In a Gin application it is one line, elsewhere [New] is an [http.Handler]:
//
//	playground.Mount(engine, "/playground/", io, &playground.Options{AsyncAPI: asyncAPI})
//
// It is for development. Mount adds nothing in Gin's release mode, and only
// requests are answered that come over loopback, for a loopback name, and through
// no proxy; Options.Everybody lifts both. The page can do nothing that its visitor
// could not do with any other client: the server checks what comes as before.
//
// What the page knows of the server is Options.AsyncAPI, which cmd/sockeye-events
// writes, or what the server itself tells: socketio.Options.AsyncAPI. Without
// either it offers the namespaces and the names of events that have a handler, and
// takes any JSON. To servers elsewhere the visitor's browser connects by itself,
// from this page's origin, which they have to allow.
package playground
