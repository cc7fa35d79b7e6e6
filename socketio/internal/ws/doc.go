// Package ws is the frame layer of the server side of WebSocket (RFC 6455),
// with permessage-deflate without context takeover (RFC 7692). It knows no
// connection: the handshake is checked and answered in bytes, frames are built
// in bytes that any number of connections can share, and Reader takes input
// from whatever has a Read method, which need not block.
//
// What a peer sends is checked completely: every way in which it can break the
// protocol ends in an *Error with the close code that tells it so.
package ws
