// Package engineio serves the Engine.IO protocol, revisions 4 and 3: sessions
// that carry messages over long polling and WebSocket, and change from the one
// to the other.
//
// Most programs want package socketio, which is built on it: for them this
// package is [Options], [Stats], [Trace] and the origins ([ParseOrigins]).
//
// A [Server] is an http.Handler. It calls a function for each new [Session],
// which returns the session's [Receiver]:
//
//	srv := engineio.New(nil, func(s *engineio.Session) engineio.Receiver { return &echo{s} })
//	http.Handle(srv.Path(), srv)
//
// where echo is
//
//	type echo struct{ s *engineio.Session }
//
//	func (e *echo) Receive(data []byte, binary bool) {
//		if binary {
//			e.s.Send(engineio.NewBinary(bytes.Clone(data)), 0)
//			return
//		}
//		text := append(make([]byte, engineio.Headroom), data...)
//		e.s.Send(engineio.NewMessage(text), 0)
//	}
//	func (e *echo) Served()                                    {}
//	func (e *echo) Closed(reason engineio.Reason, cause error) {}
//
// Sessions cost neither a goroutine nor a timer while nothing happens.
//
// # The protocol
//
// Its packets are open (0), close (1), ping (2), pong (3), message (4), upgrade
// (5) and noop (6). In its handshake the client is told PingInterval,
// PingTimeout and MaxPayload of [Options]. With revision 4 the server pings,
// with 3 the client does; who falls silent ends for the [Reason] PingTimeout.
// An upgrade is a probe of ping and pong, which has to be done within
// UpgradeTimeout. A request that is none of the protocol's is answered with a
// code, see [ConnectionError].
//
// # For those who change this package
//
// A session holds a transport, and while it changes another one, the probe. It
// knows neither of them by its kind: what it needs is the interface in
// transport.go. Polling is what sessions begin with (poll.go, post.go,
// pollconn.go); a websocket is opened, read and ended in websocket.go, wsprobe.go,
// wsread.go and hangup.go. A third transport has to touch
//
//   - files of its own, which make and read its connections and implement
//     transport,
//   - the list of names: the constants in query.go, Options.Transports and the
//     upgrades that openPacket offers,
//   - the handshake: Server.serve, which sends a request to its transport.
package engineio
