// Package googollee runs applications written for
// github.com/googollee/go-socket.io 1.x on Sockeye, for clients of Socket.IO
// 1.x to 4.x. The application keeps that module's imports and types; its
// constructor is the one thing that changes:
//
//	server := googollee.NewServer(nil) // was socketio.NewServer(nil)
//
// and, where code spells the type of the result, *socketio.Server becomes
// [*Server]. Handlers go on saying func(socketio.Conn, …).
//
// Nothing of that module's engine runs. What differs for the better, and what to
// check, is in docs/migrating-from-go-socket.io.md.
package googollee
