// Package httpconn serves HTTP/1.1 requests on connections that it has taken
// over from an http.Server, so that one on which an answer is waited for costs
// neither a goroutine nor a buffer.
//
// A connection is taken over while a request is answered, if it is a plain TCP
// or unix connection, and if nobody in front wants to see each request or
// answer. Requests of the simplest kind that follow on it are read here and
// handed to its Handler; any other sends the connection back to where it came
// from: its http.Server gets it again, with what was read of it, and serves it
// as if nothing had been. The package knows nothing of what is asked and
// answered.
//
// # What holds for each request
//
//   - A request is answered before the next one is looked at, and the next one is
//     not looked at while the client takes no answers: what waits for a client is
//     one answer and no more than 16 KiB of those before.
//   - The rest of a request that has begun has the time that the http.Server
//     gives it (ReadHeaderTimeout, ReadTimeout), at most Config.BodyTimeout.
//     Memory grows with what has come, not with what is announced.
//   - An answer has Config.WriteTimeout to be taken. None is written, and so the
//     time does not begin anew, before the client has taken what was written.
//   - Nothing that was made for one request reaches the answer to another. The
//     header fields that answers have in common are on a fixed list with their
//     values, or the Handler's own; with any other in front a connection is not
//     taken over. Another path, Host, Origin or the like sends it back, to be
//     asked for again. Proxies use one connection for many clients.
package httpconn
