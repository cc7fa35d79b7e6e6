// Package emitter sends events to the clients of a cluster from a program that is
// none of its servers: a job, a command, a service without sockets.
//
//	a, err := redis.New(redis.Options{Addrs: []string{"127.0.0.1:6379"}})
//	…
//	e, err := emitter.New(a)
//	…
//	defer e.Close(ctx)
//	err = e.Of("/news").To("sports").Emit("headline", h)
//
// It speaks through the adapter of any backend. Where that has one of Node's
// formats the servers may be Node's, and what they hear is what Node's own emitters
// send. The program does not become a node: nobody waits for it or counts it, and
// what the servers say does not come to it. Package socketio is not compiled in.
//
// A mesh has no broker: a program in it listens like a node, and what it emits
// before it has found the others is heard by nobody.
package emitter
