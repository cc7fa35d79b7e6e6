// Package mesh makes servers one cluster without another program: each has a
// NATS server inside, and these servers connect with one another.
//
// What travels, and what is promised, is as in package nats: in order, at most
// once, broadcasts to a room only to nodes that may have a member in it.
//
// With Options.Dir, three nodes or more keep a log, as that package does with
// JetStream: three of them hold it, and more than half of those named in Nodes
// must be there. It begins some seconds after three are. When the node is lost
// that leads it, what is said for other nodes waits for 4 to 10 s, until there is
// another leader. A node is known by its address, and finds its part of the log
// after a restart by that.
//
// Every node listens for the others at one address, and knows the addresses of
// some of them, which may be its own too; the rest it learns. A node that starts
// waits until it is connected with those that are there, for 3 s at most: what
// others say from then on is heard by its clients. A node that is away is tried
// each second, for ever. Who does not know the secret is refused, which both sides
// log. Without TLS, what the nodes tell one another can be read, and the password
// that is made of the secret seen, by whoever sees their network.
//
// A node that does not answer for 24 s, or takes nothing for 25 s, is cut off;
// what it then misses is counted when it comes back. Until then up to 64 MiB wait
// for it, and beyond that the others send slowly. A node for which as much has
// come and that is slower than that is cut off too, and connects again: that is a
// State.
//
// After a room's first member joins at a node, what others emit to the room may
// pass by for as long as they need to hear of it: 1 ms in the median, 10 ms at the
// 99th percentile, on a busy machine.
package mesh
