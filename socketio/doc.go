// Package socketio is a Socket.IO server: named events, acknowledgements,
// rooms and namespaces, for the official clients of today (4.x, 3.x) and of
// yesterday (2.x, 1.x, if Options.Engine.AllowEIO3 is set). On the wire that
// is Socket.IO's protocol 5 over Engine.IO 4, and for the older clients
// protocol 4 over Engine.IO 3.
//
// A [Server] is a [net/http.Handler]. Handlers are registered on its
// namespaces, once, for all sockets:
//
//	const Say socketio.Event[Line] = "chat message"
//
//	srv := socketio.New(nil)
//	chat := srv.Of("/chat")
//	chat.OnConnect(func(ctx context.Context, s *socketio.Socket) {
//		s.Join("lobby")
//	})
//	Say.On(chat, func(ctx context.Context, s *socketio.Socket, l Line) error {
//		return Say.Emit(s.To("lobby"), l)
//	})
//	http.ListenAndServe(":3000", srv)
//
// [Event] and [Call] are the typed edge; [Namespace.On], [Request.Scan] and
// [Emitter] are the untyped core below it.
//
// # Where to look
//
//   - What a server can be told: [Options], [Limits] and [EngineOptions].
//   - Many sockets at once: [Broadcast], which [Server.To] and [Socket.To]
//     begin.
//   - Answers: [Call], [Request.Ack] and [Socket.EmitWithAck].
//   - Who may come in: [Namespace.Use], and package auth for tokens that end.
//   - What is kept on a socket: [Key], and [Recovery] for clients that were cut
//     off for a moment.
//   - Several servers as one: Options.Cluster, the packages below adapter, and
//     package presence.
//   - The end: [Server.Shutdown]. What happens meanwhile: [Server.Stats],
//     [Trace], and package metrics.
//   - Tests: package socketiotest. A client in Go: package client. Gin: package
//     ginio beside this one.
//
// # Order and concurrency
//
// All methods may be called from any goroutine. The handlers of one socket run
// one at a time, in the order in which its events arrived; different sockets'
// run at the same time. OnConnect returns before the socket's first event is
// handled, and OnDisconnect runs after its last. A handler may block: nobody
// else waits for it, and it may even wait for an acknowledgement of its own
// client. What one goroutine emits arrives in that order.
//
// # What is trusted
//
// Nothing that a client sends. Every input is bounded, see [Limits] and
// [EngineOptions]; what a client does wrong costs its own connection only. A
// panic in a handler is that event's error.
package socketio
