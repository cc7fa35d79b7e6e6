// Package socketiotest is for Socket.IO what net/http/httptest is for HTTP: it
// runs an application's handlers in a test, with real clients and the real
// protocol, but without ports and, under testing/synctest, without waiting.
//
//	func TestRename(t *testing.T) {
//		srv := socketio.New(nil)
//		chat.Register(srv.Of("/"))
//		c := socketiotest.Connect(t, srv)
//		user, err := socketiotest.Ask(c, chat.Rename, "Ann")
//		...
//	}
//
// A [Client] is one client in one namespace. It emits with typed events
// (chat.Say.Emit(c, line)) or without (c.Emit("chat message", line)), and keeps
// what it receives until the test asks for it: [Next] and [Client.Next] wait
// for an event, [Ask] and [Client.Ask] for an acknowledgement. Whatever does
// not arrive within Options.Timeout fails the test and says what did arrive.
//
// [Serve] takes any http.Handler: a Gin engine in which the server is mounted,
// with its middleware, is tested as it stands. [Options] say what a client
// brings along (auth, headers, a namespace, its transport).
//
// A client can be made to misbehave: [Client.Cut] tears its connection,
// [Client.Delay] makes its network slow, [Client.StopReading] makes it a slow
// consumer, [Client.StopPongs] lets it fall silent, [Client.SendRaw] sends
// whatever a hostile client may. What the server makes of that, and when, is a
// matter of time, and in a bubble of [testing/synctest] time is free:
//
//	synctest.Test(t, func(t *testing.T) {
//		c := socketiotest.Connect(t, srv) // srv is made inside the bubble too
//		c.StopPongs()
//		time.Sleep(45 * time.Second) // returns at once
//		...
//	})
//
// Everything ends with the test: clients first, then the server. When the
// server is mounted in something else, closing it is the test's own business
// (t.Cleanup, before Serve).
package socketiotest
