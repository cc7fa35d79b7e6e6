// Package postgres connects nodes through a PostgreSQL database, in the format of
// Node's adapter for it: LISTEN and NOTIFY, and a table for what a notification
// cannot carry. Go and Node servers with the same database and prefix are one
// cluster.
//
// # Connections
//
// A node keeps two: one listens, the other notifies, and reads and writes the
// table. They are one link: when one of them fails, both are made anew, after
// 50 ms at first and at most 5 s, and that is a State. Every three seconds a
// probe is notified and has to come back; a server that does not answer for 5 s
// is Degraded, and is left for a new link as soon as a fresh connection shows
// that the old one is to blame. A server that only pauses loses nothing.
//
// # Messages
//
// Each namespace has a channel, <prefix>#<namespace>, cut to the 63 bytes that a
// channel's name may have; namespaces that share one are told apart. Binary, and
// what does not fit into the 8,000 bytes of a notification, is a row of the table
// socket_io_attachments, and the notification names it. The table is made if it
// is missing, and rows older than 30 s are deleted.
//
// What gathers in the queue is notified in one transaction, in order. NOTIFY takes
// a lock for the whole server when a transaction commits, and each node hears
// what is said in its namespaces, whoever it is for: this is for small clusters.
//
// # Who is there
//
// As Node's, nodes say in each namespace that they are there, and whoever is silent
// for too long is gone: 5 s and 10 s unless the server's options say otherwise. A
// namespace with no other traffic costs one notification for each node and 5 s.
//
// # What is lost
//
// What waits in the queue when a link fails is sent on the next. What was being
// notified may or may not have arrived and is not sent again: it is counted in
// Stats. What others say while there is no link is missed.
//
// # Permissions
//
// LISTEN and NOTIFY need none. A role that may not create tables needs the table
// made for it, as the type bigserial does, with the rights SELECT, INSERT and
// DELETE, and USAGE on its sequence:
//
//	CREATE TABLE socket_io_attachments (id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea);
//
// [Adapter.Claim] needs another, which is made when it is used first:
//
//	CREATE TABLE socket_io_claims (key bytea PRIMARY KEY, until timestamptz NOT NULL);
//
// A pooler between the node and the server must give each connection a session of
// its own: LISTEN does not outlive a transaction otherwise.
package postgres
