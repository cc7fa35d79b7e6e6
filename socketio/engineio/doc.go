// Package engineio serves the Engine.IO protocol, revisions 4 and 3: sessions
// that carry messages over long polling and WebSocket, and change from the one
// to the other.
//
// A Server is an http.Handler. It calls a function for each new session, which
// returns the session's Receiver:
//
//	srv := engineio.New(nil, func(s *engineio.Session) engineio.Receiver { return &echo{s} })
//	http.Handle(srv.Path(), srv)
//
// Sessions cost neither a goroutine nor a timer while nothing happens.
//
// # Transports
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
