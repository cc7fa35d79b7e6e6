// Package nodewire turns messages between nodes into the forms that Node's
// adapters use, and back: those of the classic Redis adapter, and of the message
// model that its sharded adapter, the one for streams and the one for PostgreSQL
// share. It does no I/O.
//
// Values are never decoded: JSON text and MessagePack are turned into one
// another. A date in MessagePack becomes the text that JSON has for it, undefined
// becomes null, and so do NaN and the infinities.
//
// What is ours and not Node's rides where Node does not look: the numbers of
// messages, and the kinds that Node has no word for, which it ignores.
//
// Whatever the Append functions make, Node's adapters can take: what would end
// such a process, or stop its stream, is never made.
package nodewire
