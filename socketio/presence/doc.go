// Package presence knows who is in the rooms of a namespace, on all servers of a
// cluster, without asking them each time.
//
//	people := presence.New(srv.Of("/chat"), &presence.Options{
//		Describe: func(s *socketio.Socket) any { return name.Of(s) },
//	})
//	people.OnChange(func(room string) { … })
//	for _, m := range people.In("lobby") { … }
//
// Every server that has the namespace must have one, of the same version.
//
// # What is promised
//
// In answers at once, from memory, and never waits for another server. The sockets
// of this server are right as of the last Join, Leave or Update that has returned;
// those of others as soon as they have told.
//
// Whatever was lost, doubled or late, whoever crashed, slept or was cut off: once
// nothing changes any more and the servers have been able to hear one another for
// 15 s, In is the same on all of them, namely the sockets that are in the room on a
// server that lives. In particular
//
//   - a server that is killed, or cut off, is gone from the others within 10 s, and
//     one that was cut off is back within 6 s of being heard again;
//   - what was not heard of another server's changes is found out, and put right,
//     within 6 s;
//   - nobody is in a room twice, and nobody is left in one for good.
//
// Meanwhile In may differ between servers: it is no lock. A socket that moves from
// one server to another has a new id, unless it recovers, and may for a moment be
// there twice, once on each.
//
// # What it costs
//
// One server-side event for each change of a socket's rooms or of what is told of
// it, one for each server every 3 s, and the list of a server's sockets, in parts
// of about 256 KiB, when another server is new or has missed something. Memory is
// about 200 bytes for each socket and room, on each server. On a server alone there
// is the memory only.
package presence
