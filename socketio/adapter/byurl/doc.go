// Package byurl makes the adapter of any backend from a URL, as the program's
// --cluster takes it:
//
//	redis://[user:password@]HOST:PORT[/DB]           Redis, the format of Node's classic adapter
//	redis+streams://HOST:PORT[?streams=N&maxlen=N]   Redis streams, the format of Node's adapter for them
//	redis+sharded://HOST:PORT[,HOST:PORT…]           sharded Pub/Sub of Redis 7 or a Redis Cluster, the format of Node's adapter for it
//	postgres://[user:password@]HOST:PORT/DATABASE    PostgreSQL, the format of Node's adapter for it
//	nats://HOST:PORT[,HOST:PORT…]                    NATS
//	tls://HOST:PORT[,HOST:PORT…][?ca=FILE…]          NATS with TLS
//	mesh://HOST:PORT,HOST:PORT[?ca=FILE…]            a NATS server inside each node
//
// rediss instead of redis is Redis with TLS, and ?sentinel=NAME makes the
// addresses those of Sentinels. Which parameters there are is told by the
// packages of the backends. A program that uses one backend only imports that
// package alone, and is smaller.
package byurl
