// Package client is a Socket.IO client: the other end of a server, ours or
// Node's (protocol 5, as of socket.io 3 and 4), with the same [socketio.Event]
// and [socketio.Call] constants.
//
//	s, err := client.Dial(ctx, "https://example.com/chat", nil)
//	if err != nil {
//		return err // names the cause and what to do about it
//	}
//	defer s.Client().Close()
//	client.On(s, chat.Line, func(ctx context.Context, l chat.Line) error { … })
//	err = chat.Type.Emit(s, true)
//	line, err := client.Ask(ctx, s, chat.Say, "hello")
//
// As in the official client the path of the address is the namespace; where the
// server is mounted is Options.Path. [New] and [Client.Socket] share one
// connection among several namespaces.
//
// It connects over polling and upgrades to WebSocket, or as Options.Transports
// says; comes back by itself after a loss, with growing pauses, unless the
// server has said to go; takes up its state where the server keeps it
// (recovery); keeps what is emitted meanwhile, within a bound; and renews its
// auth with each connection. All methods may be called from any goroutine.
// Handlers of a socket run one at a time, in the order of arrival, and may wait
// for acknowledgements. After [Client.Close] nothing of it is left.
//
// # What of the official client's behaviour it keeps
//
// Held against our server and Node's 4.8 by the scenarios of e2e/goclient, over
// polling, WebSocket and both: connecting, and the upgrade between transports;
// namespaces over one connection, and the refusal of one; auth as a value and by
// a function; the reasons of a disconnect, and when it reconnects; events in
// order, with every kind of argument, binary included, across the upgrade;
// acknowledgements both ways, their timeouts, and their end at a disconnect;
// buffering while it is away, and volatile events that are not; the id, and a
// new one after a loss; connection state recovery; retries, tryAllTransports and
// rememberUpgrade.
//
// What differs: an acknowledgement always has a deadline (Options.AckTimeout);
// the buffer is bounded; there are neither cookies unless Options.HTTP has a jar,
// nor the options forceNew and autoUnref, nor Engine.IO 3 (clients of version 2),
// WebTransport, and compression of frames. With Options.Retries an answer that
// comes after the next attempt counts, where the official client sends once more;
// and an upgrade is remembered by each client for itself, across a lost network.
// WebSocket is dialled directly; polling honours the proxy of the environment.
//
// Package socketiotest has a client of its own: it is in memory, under fake
// time, and does what no client should.
package client
