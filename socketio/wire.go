package socketio

import "github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"

// Raw is one value that is still encoded, of either format. As a parameter of a
// handler, a field of a struct or an element of a slice it keeps that part of a
// payload as it came, binary included; given to Emit it is sent as it is.
type Raw = siowire.Raw

// RawJSON returns a JSON text as a Raw. It keeps data. Using the Raw fails if
// data is not valid JSON.
func RawJSON(data []byte) Raw { return siowire.RawJSON(data) }

// Args are the arguments of an event or of an acknowledgement, each still encoded.
type Args = siowire.Args

// Parser is the format of packets: [JSONParser] or [MsgpackParser]. Both ends
// must use the same.
type Parser = siowire.Parser

// JSONParser is the format that every client speaks: JSON text, with binary
// attachments behind it.
type JSONParser = siowire.JSONParser

// MsgpackParser is the format of the npm package socket.io-msgpack-parser.
type MsgpackParser = siowire.MsgpackParser

// Codec replaces the JSON codec that a [JSONParser] uses, for instance by
// sonic's ConfigStd.
type Codec = siowire.Codec

// PacketLimits bound what one packet may hold; see [Limits].
type PacketLimits = siowire.Limits
