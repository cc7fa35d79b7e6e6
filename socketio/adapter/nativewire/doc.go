// Package nativewire is the form in which messages travel between nodes where
// no server of Node takes part: a short binary header, and the values as the JSON
// text and the attachments that they are for clients. It is pure.
//
// A message of version 1 is, with strings as their length (uvarint) and bytes,
// and lists as their length (uvarint) and elements:
//
//	0xc5, version, kind
//	bits            2 bytes, big-endian: what follows, in this order
//	from, namespace strings
//	to              string, if bit 0
//	request         string, if bit 1
//	seq, lane       8 bytes, big-endian; uvarint, if bit 2
//	rooms           list of strings, if bit 3
//	except          list of strings, if bit 4
//	names           list of strings, if bit 5
//	count           uvarint, if bit 6
//	timeout         uvarint, nanoseconds, if bit 7
//	node            strings id, name, address; uvarint version, if bit 8
//	positions       list, if bit 9: string namespace (with its length plus one; 0: as before),
//	                uvarint lane, 8 bytes number
//	text            string, if bit 10
//	attachments     list of strings, if bit 11
//	members         until the MAC or the end: uvarint number, not 0, and string
//	MAC             8 bytes, if bit 15
//
// There are no members yet. They are what a later version may add without those
// that do not know them refusing the message: these pass over them, as over the
// content of kinds that they do not know. What must not be passed over needs
// another version of the form, which nodes of this one do not read.
//
// Bits 12, 13 and 14 are the flags volatile, no compression and close.
//
// With a key, the MAC is the beginning of the HMAC-SHA-256 of the channel's
// name, a zero byte, and all before it: so who does not know the key can neither
// make a message nor move one to another channel. It does not keep anybody from
// reading messages, nor from sending one again; numbers are against that.
package nativewire
