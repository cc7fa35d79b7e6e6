// Package redis connects nodes through a Redis server, in the formats of Node's
// adapters: New speaks that of the classic one (Pub/Sub), NewStreams that of the
// one for streams, NewSharded that of the one for sharded Pub/Sub, also through a
// Redis Cluster. Go and Node servers with the same prefix are one cluster.
//
// # Connections
//
// A node keeps a connection that publishes, one that subscribes, one more that
// reads streams, and others for questions to the server such as how many nodes
// there are. They are one link: when one of them fails, all are made anew, after
// 50 ms at first and at most 5 s, and that is a State. Every three seconds a
// probe is published and has to come back; a server that does not answer for 5 s
// is Degraded, and is left for a new link as soon as a fresh connection shows
// that the old one is to blame. A server that only pauses loses nothing.
//
// NewSharded has such a link with each master of a Redis Cluster. Which masters
// there are, and which has a channel's slot, it asks them when a link ends, when
// one says that a slot is another's (MOVED), and every 5 s. What waits for a slot
// goes with it, in order; nothing is published to it for 0.75 s then, so that the
// other nodes have subscribed there.
//
// # What is lost
//
// What waits in the queue when a link fails is sent on the next. What is on its
// way on the connection that ends, up to a megabyte, may or may not have arrived
// and is not sent again: it is counted in Stats. Streams tell, and get what they
// have not got. What others publish while there is no link is missed by the
// classic adapter, and by the one for streams read later, but for questions and
// server-side events, which travel beside the stream.
//
// # Permissions
//
// A user of the server with bounds (ACL) needs the channels and keys that begin
// with the prefix; for the classic adapter its pattern <prefix>#* word for word
// besides, as Redis compares patterns by letters; and the commands PING, SELECT,
// PUBLISH, SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE, PUBSUB and SET, with Sentinels ROLE,
// for streams XADD, XREAD, XRANGE and XREVRANGE, for their recovery EVAL, GET,
// MGET, GETDEL (Redis 6.2) and DEL and, with the default prefix, the keys that
// begin with sio:session: as in Node, for sharded Pub/Sub SPUBLISH, SSUBSCRIBE,
// SUNSUBSCRIBE and CLUSTER SLOTS.
package redis
