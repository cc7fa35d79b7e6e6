// Package cluster is what a node does above the seam, once for all backends: it
// numbers what it sends, counts what it missed, knows who is there, and ends
// questions when nobody is left to answer them. It knows no sockets: a [Host]
// carries out what messages say.
//
// # Numbers
//
// Every message for all is numbered, by namespace and lane. A receiver delivers
// the next, drops what it has had, and counts what is missing between; heartbeats
// carry the last numbers, so that a lost tail is counted too. Numbers begin with
// the time: whoever begins anew begins above where it was. A jump that is too
// large to be a loss is a beginning.
//
// # Locks
//
// numbers, peers and questions each have their own; none is held while another
// is taken, or while the Host or the Adapter's Inbox is called. The Adapter's
// Publish is called under that of numbers, which makes the order of numbers the
// order on the wire.
package cluster
