// Package netpoll waits for input and writes output for many connections, so
// that one which is idle costs neither a goroutine nor a buffer.
//
// A TCP or unix stream socket of package net is taken over: an epoll instance
// watches it, standing workers run its handler, and what is written to it is
// queued and leaves without blocking anybody. Everything else that is a
// net.Conn (TLS, net.Pipe, other systems than Linux, or all of them with
// Config.DisableEpoll or the build tag nopoll) has a worker that reads,
// behind the same interface and with the same promises. A TLS connection is
// between the two: a worker reads it while it is in use, and epoll watches the
// socket beneath while it is idle.
//
// # Order and ownership
//
//   - No two OnReadable of one connection overlap, and a handler that blocks
//     delays no other connection: while anything waits to be run, a worker
//     that runs nothing is on its way to it.
//   - Output leaves when the input that was ready has been handled, or a bounded
//     part of it, so that what many handlers write to one connection leaves
//     together.
//     Frames of one goroutine stay in the order of its calls to Write.
//   - A descriptor is closed only when nobody serves and nobody writes its
//     connection. Events name a slot and its generation, not a descriptor, so
//     one that comes late finds nobody, whoever has the number by then.
//
// # What the layer above has to do
//
//   - Bound what one OnReadable reads, and return early to let others have
//     their turn; OnReadable is then called again.
//   - Keep its own deadlines: there are none here.
//   - Set keep-alive and TCP_NODELAY before handing a connection over.
package netpoll
