// Package auth keeps sockets as long as their users may be there: a token that
// ends is asked for anew before it does, without a new connection, and a user
// who signs out is out everywhere.
//
//	guard := auth.New(auth.Options{Verify: verify}) // a token in, an Identity out
//	guard.Protect(srv.Of("/members"))
//	…
//	guard.SignOut("user-7", "your password was changed")
//
// A client brings its token as io("/members", {auth: {token}}), or in the header
// Authorization: Bearer of its handshake; one without, or with a wrong one, is
// refused with code "unauthorized". From then on:
//
//	event           from    arguments                       acknowledged with
//	auth:expiring   server  {in: milliseconds}              the new token, if the client has one
//	auth:refresh    client  the new token                   {in} or {error: {code, message}}
//	auth:ended      server  {code, message}
//
// The first comes Options.Warn before the token's end. A client answers it, or
// sends auth:refresh at any time; both are the same. A token of another user is
// a wrong one, with code "another_user". After auth:ended the socket is
// disconnected, and an official client stays away until it is told to connect
// again. Its codes are "expired", "signed_out", "unauthorized" (for a client
// that came back by recovery, and is not to) and "too_many" (wrong tokens).
// What the server emitted before is sent before.
//
// In JavaScript:
//
//	socket.on("auth:expiring", async (left, answer) => answer(await newToken()));
//	socket.on("auth:ended", ({ code }) => showLogin(code));
//
// [Of] tells who is behind a socket, and [Room] is the room that all sockets of a
// user are in.
package auth
