// Package value turns Go values into the values that Socket.IO packets carry
// and back: JSON whose binary travels apart from the text, and MessagePack.
//
// It follows encoding/json wherever that has an opinion (tags, embedding,
// Marshaler and TextMarshaler, what goes into which type, the errors' types),
// and JavaScript where the other side of the wire has: numbers are printed as
// JSON.stringify does, times as Date does, NaN is null, nothing is escaped for
// HTML. A []byte is binary, wherever it is nested, in both directions.
//
// Three things make it faster. A [Scanner] checks the grammar once, when a
// packet arrives, so that decoding need not. How a type is decoded and encoded
// is worked out once per type. And strings decoded from a small value are parts
// of one copy of its text.
//
// [Raw] is a value that stays encoded until somebody decodes it.
package value
