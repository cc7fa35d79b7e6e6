// Package siowire turns Socket.IO packets into Engine.IO messages and back:
// JSON with binary attachments, which every client speaks, and MessagePack. It
// is pure: bytes and values, no I/O, no goroutines, and work that grows no
// faster than its input.
//
// # The text format
//
//	<type>[<attachments>-][/namespace,][id][JSON]
//
//	0/chat,{"token":"x"}                                    CONNECT with auth
//	2["hello",1,"two"]                                      EVENT
//	2/chat,12["ask",{"a":1}]                                EVENT that wants acknowledgement 12
//	3/chat,12["answer"]                                     ACK
//	51-["file",{"_placeholder":true,"num":0}]  then binary  BINARY_EVENT with one attachment
//
// # Decoding
//
// A Decoder looks at each byte of a message once. It finds where arguments
// begin and end and checks the grammar on the way, but decodes nothing: a [Raw]
// is decoded when somebody asks, into the type that he has, and an argument
// that is only passed on never is. Until then a packet borrows the message's
// bytes, and an event that nobody handles costs no allocation.
//
// What it accepts and refuses is what socket.io-parser 4.2.7 does, recorded in
// testdata and compared by a test, which also lists where it is stricter. Every
// limit has a name in [Limits], and its error says so.
//
// # MessagePack
//
// [MsgpackParser] reads and writes the format by itself, in package value, and
// uses no library. What a library would spare is small, and what it would cost
// is not: here a length is checked against the bytes that are there before
// anything is allocated for it, nesting is bounded, JavaScript's undefined and
// dates have the extension types of the clients' parser (type 0, which
// libraries reserve for the application), and a value decodes into a Go type by
// the same rules, tags and errors as JSON, because it is the same decoder.
package siowire
