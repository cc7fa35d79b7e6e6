// Package adapter is the seam between a server and the other nodes of its
// cluster: what a backend such as Redis or NATS must do, and no more. It knows
// no sockets and no namespaces' handlers, and imports the standard library
// only.
//
// Above the seam, once for all backends, are local rooms and delivery, sequence
// numbers, gaps and duplicates, membership, questions and their early end.
// Below it is how messages travel: connections, channels, formats, queues. A
// backend named after a Node adapter speaks that adapter's format, so that Go
// and Node servers share one cluster.
//
// A program that only uses a backend needs the package of that: redis.New,
// nats.New and so on make an Adapter for socketio.Options.Cluster. This one is
// for those who write a backend, and for the errors that all have.
//
// Package adaptertest holds the suite that every backend passes.
package adapter
