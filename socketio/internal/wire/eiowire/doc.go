// Package eiowire turns Engine.IO packets into bytes and back, for the protocol
// revisions 3 and 4. It is pure: no I/O, no state, and work linear in its input.
//
// A packet travels alone in a WebSocket frame (DecodeFrame), or with others in
// the body of an HTTP request or answer, a payload (Form, Payload).
package eiowire
