// Package nats makes servers one cluster by a NATS server, or several: by core
// NATS, and a log of JetStream if there is one, so that clients come back to any
// node.
//
// Without a log, messages of one node arrive in the order in which it sent them,
// at most once. What is for all sockets of a namespace goes to all nodes; a
// broadcast to one room goes only to nodes that have a member in it, or in one of
// the rooms that share its bucket, of which there are 4,096. Sockets' own rooms
// have as many buckets for themselves, by the tag of the node in their ids: all
// those of a node are in one, and what is for one of its sockets goes to that node
// alone, unless sockets elsewhere have joined a room of that name. Answers go to
// the node that asked. A namespace costs no subscription.
//
// # Subjects
//
//	<prefix>.a.<namespace>   for all nodes; each subscribes to <prefix>.a.*
//	<prefix>.b.<bucket>      for nodes with a member in a room of that bucket
//	<prefix>.n.<node>        for one node
//	<prefix>.l.<node>        what a node has the log store
//	<prefix>.r.<node>        where JetStream tells all of it
//	<prefix>.s.<key>         sessions of clients
//	<prefix>.c.<hash>        claims
//	<prefix>.i.> and .g.>    answers to a node's questions
//
// In a namespace's name all but letters, digits, "-", "_" and "/" is written as
// %XX, and a long one is "~" and a hash; the messages, in the form of package
// nativewire, hold the real one. A server that limits what its users may do
// allows to publish and subscribe <prefix>.>, and for the log to publish $JS.API.>.
//
// # The log
//
// With JetStream of nats-server 2.11 or newer there are two streams, whose names
// begin with the prefix, with "-" instead of ".": socket-io-log, and
// socket-io-keys, which keeps the last message of each subject. They are made by
// the first node that comes; streams that are there are used as they are.
//
// What clients may come back for goes into the log: broadcasts and joins, leaves
// and disconnections of sockets elsewhere, to all nodes, at least once. A node has
// one entry under way at a time; of what gathers meanwhile it makes the next. An
// entry is sent until JetStream has it, which takes it only behind the node's last
// one: so the log has each once, in the order of its node, through the loss of
// connections, servers and leaders. All nodes hear of entries in the order of the
// log, when they are stored, by core NATS (the stream republishes them), and read
// in the log what they have not heard.
//
// All else goes beside it, at most once, and may come earlier: questions and
// answers, heartbeats, and volatile broadcasts, which go to the nodes with a member
// as without a log.
//
// A node that only speaks (an emitter) uses the log if there is one when it
// starts; its events to rooms then go to all nodes, too.
//
// JetStream acknowledges before it syncs: a server that loses power may lose the
// end of its log. A node that had read further finds that out, and numbers jump, so
// that whoever comes back from before is told that he is not recovered. The same is
// true of a log that was deleted, or was in the memory of a server that has ended.
// While a stream has no leader (some seconds after its server was lost) what is
// said for the log waits, bounded by QueueBytes.
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
