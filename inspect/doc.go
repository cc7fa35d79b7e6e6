// Package inspect is a page that shows what a Socket.IO server is doing, live:
// namespaces, rooms and sockets, counters and reasons, and a feed of events; on
// this node, and on all nodes of a cluster. It lets sockets join and leave rooms,
// sends them events, and disconnects them.
//
// In a Gin application it is one line, elsewhere [New] is an [http.Handler]:
//
//	inspect.Mount(engine, "/inspect/", io, &inspect.Options{Credential: "ann:$2b$10$…"})
//
// Without a credential it answers on loopback only. Nothing is watched, and
// nothing is counted for it, while nobody looks: the page asks every two seconds,
// and who has not asked for ten is gone. Lists come in pages, and of events so
// many a second as one can read.
//
// Other nodes are asked over the cluster, by ServerSideEmit on the root
// namespace; they answer if they have an Inspector too.
package inspect
