package socketio

import "github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"

// Raw is one value that is still encoded, of either format. As a parameter of a
// handler, a field of a struct or an element of a slice it keeps that part of a
// payload as it came, binary included; given to Emit it is sent as it is. It is
// a value that can be copied and kept, and used by several goroutines.
//
// Decode(&v) decodes it as [encoding/json] would, but that a []byte takes
// binary, which is not copied. Bytes returns the binary if it is one, JSON the
// text if there is no binary in it; both are to be read only. IsNull and IsZero
// tell null, and no value at all, from others. [RawJSON] makes one.
type Raw = siowire.Raw

// RawJSON returns a JSON text as a Raw. It keeps data. Using the Raw fails if
// data is not valid JSON.
func RawJSON(data []byte) Raw { return siowire.RawJSON(data) }

// Args are the arguments of an event or of an acknowledgement, each still encoded.
// Len counts them, At(i) is one of them, from 0 and the zero Raw if there is
// none, and All ranges over them with their positions.
type Args = siowire.Args

// Parser is the format of packets, as Options.Parser has it: [JSONParser] or
// [MsgpackParser], as pointers. Both ends must use the same. Parsers may be
// shared by servers, and must not be changed once they are in use.
type Parser = siowire.Parser

// JSONParser is the format that every client speaks: JSON text, with binary
// attachments behind it (packets of the protocol's types 0 to 6). Values are
// encoded as [encoding/json] does, tags and Marshalers included, with these
// differences: a []byte, however deep, is binary; numbers, NaN and time.Time
// become what JSON.stringify makes of them; nothing is escaped for HTML.
//
// Its one field, Codec, replaces the JSON codec; nil is the package's own,
// which is the faster one. See [Codec].
type JSONParser = siowire.JSONParser

// MsgpackParser is the format of the npm package socket.io-msgpack-parser: each
// packet is one binary message. Go values mean the same as with [JSONParser];
// a time.Time arrives as a Date.
type MsgpackParser = siowire.MsgpackParser

// Codec replaces the JSON codec that a [JSONParser] uses, for instance by
// sonic's ConfigStd. It has Marshal and Unmarshal with the signatures of
// [encoding/json]'s, which may be called by several goroutines at once. It is
// not asked for values that can hold binary.
type Codec = siowire.Codec

// PacketLimits bound what one packet of a client may hold; see Limits.Packets.
// A packet that holds more costs its connection ([ForcedClose]). In each field
// zero means the default, and a negative number no bound:
//
//	MaxAttachments      binary messages: 10, as in Node
//	MaxAttachmentBytes  their size together: 10 MiB; raise it along with Engine.MaxPayload
//	MaxDepth            nesting of arrays and objects: 1,000
//	MaxArgs             arguments, an event's name included: 65,536
//	MaxNameLen          an event's name in bytes: 1,024
//	MaxNamespaceLen     a namespace in bytes, its query included: 4,096
type PacketLimits = siowire.Limits
