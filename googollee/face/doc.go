// Package face is the programming interface of github.com/googollee/go-socket.io
// on a Sockeye server, for whoever declares its types.
//
// Two packages are built on it: googollee, which takes the original module's own
// types, and the replacement module in compat/go-socket.io, which declares them
// anew. They differ in who declares the interface that handlers call Conn, so
// [Server] is generic over it: C is that interface, and *[Conn] must have its
// methods. Nothing here imports either of them, nor anything internal to Sockeye.
//
// Handlers are plain functions whose first parameter is C. Their types are taken
// apart once, when they are registered; a message is decoded straight into values
// of those types.
package face
