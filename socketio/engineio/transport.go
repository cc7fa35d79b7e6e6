package engineio

// transport is one way for a session's packets to travel. Its methods are called
// with Session.mu held, but for push, and do not block. What a transport is given
// to read it hands to Session.receive, within Session.begin and Session.end.
type transport interface {
	// name is that of Options.Transports.
	name() string
	// pushes reports whether it sends by itself. If not, the client has to come
	// for what waits in the session's queue.
	pushes() bool
	// listens reports whether the client gets at once what is sent now.
	listens() bool
	// ready is both at once: what is sent now needs not wait in the queue.
	ready() bool
	// write sends a message; the error is errTransportFull, or that of a transport
	// which has ended. One that does not push is always full.
	write(m *Message, f Flags) error
	// writeBuffer is write for a message in memory that is given back once it has
	// left. It leaves b alone if it returns false: then the message can wait.
	writeBuffer(b *Buffer, f Flags) bool
	// push has what was written leave now, as far as the client takes it.
	push()
	// flush looks at the session's queue: there is something in it, or room for it.
	flush()
	// buffered is how many bytes it has of the session's messages that the client
	// has not taken.
	buffered() int
	// resume reads on if it has waited for its turn, or, with all, in any case.
	resume(all bool)
	// finish ends it, with flush behind what waits. last is for a client that
	// waits for an answer; without, the session goes on elsewhere.
	finish(flush bool, last *Message)
}
