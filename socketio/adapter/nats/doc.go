// Package nats makes servers one cluster by a NATS server, or several: core NATS,
// without JetStream.
//
// Messages of one node arrive in the order in which it sent them, at most once.
// What is for all sockets of a namespace goes to all nodes; a broadcast to one
// room goes only to nodes that have a member in it, or in one of the rooms that
// share its bucket, of which there are 4,096. Sockets' own rooms have as many
// buckets for themselves, by the tag of the node in their ids: all those of a node
// are in one, and what is for one of its sockets goes to that node alone, unless
// sockets elsewhere have joined a room of that name. Answers go to the node that
// asked. A namespace costs no subscription.
//
// # Subjects
//
//	<prefix>.a.<namespace>   for all nodes; each subscribes to <prefix>.a.*
//	<prefix>.b.<bucket>      for nodes with a member in a room of that bucket
//	<prefix>.n.<node>        for one node
//
// In a namespace's name all but letters, digits, "-", "_" and "/" is written as
// %XX, and a long one is "~" and a hash; the messages, in the form of package
// nativewire, hold the real one. A server that limits what its users may do
// allows to publish and subscribe <prefix>.>.
//
// # A member that is new
//
// A node subscribes to a room's bucket when its first socket joins. Until the
// NATS server has heard of that, which takes as long as a message to it (0.04 ms
// in the median, 2 ms at the 99th percentile, on a busy machine), what others emit
// to this room passes by; what this node sends after the join is
// heard after it, so whoever learns of the join from there misses nothing. After
// a join of sockets on all nodes (SocketsJoin), this node's broadcasts to that
// room go to all nodes for some seconds.
//
// # Connections
//
// While there is no connection messages wait in a bounded queue; it is tried
// again after 50 ms to 5 s, for ever. Messages that others send meanwhile are
// missed, which the State says and their numbers count. A connection that is
// silent for 3 s is Degraded, after 15 s another one is made. Whoever reads more
// slowly than others send lets the server wait, which cuts off a client that does
// so for too long.
package nats
