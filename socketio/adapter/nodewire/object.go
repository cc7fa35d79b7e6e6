package nodewire

import "github.com/sockeye-io/sockeye/socketio/internal/wire/value"

// A span is where a value lies in a message; empty: nowhere.
type span struct{ from, to uint32 }

func between(from, to int) span { return span{uint32(from), uint32(to)} }

// An object is where the members that we know of lie.
type object [keys]span

const (
	kUID = iota
	kNSP
	kType
	kData
	kRequestID
	kPacket
	kOpts
	kRooms
	kExcept
	kFlags
	kClose
	kSockets
	kClientCount
	kSeq
	kLane
	kTo
	kFrom
	kArgs
	kNode
	kPositions
	kCount
	kVolatile
	kCompress
	kTimeout
	kName
	kVersion
	kAddress
	kAttachmentID
	keys
)

func keyOf(name string) int {
	switch name {
	case "uid":
		return kUID
	case "nsp":
		return kNSP
	case "type":
		return kType
	case "data":
		return kData
	case "requestId":
		return kRequestID
	case "packet":
		return kPacket
	case "opts":
		return kOpts
	case "rooms":
		return kRooms
	case "except":
		return kExcept
	case "flags":
		return kFlags
	case "close":
		return kClose
	case "sockets":
		return kSockets
	case "clientCount":
		return kClientCount
	case "seq":
		return kSeq
	case "lane":
		return kLane
	case "to":
		return kTo
	case "from":
		return kFrom
	case "args":
		return kArgs
	case "node":
		return kNode
	case "positions":
		return kPositions
	case "count":
		return kCount
	case "volatile":
		return kVolatile
	case "compress":
		return kCompress
	case "timeout":
		return kTimeout
	case "name":
		return kName
	case "version":
		return kVersion
	case "address":
		return kAddress
	case "attachmentId":
		return kAttachmentID
	}
	return -1
}

// within returns the object that member k of o is, if it is one that we look
// into.
func (r *Reader) within(o *object, k int) *object {
	body := &r.top
	if r.shared {
		body = &r.inner
	}
	switch {
	case o == &r.top && k == kData && r.shared:
		return &r.inner
	case o == body && k == kPacket:
		return &r.packet
	case o == body && k == kOpts:
		return &r.opts
	case o == body && k == kNode:
		return &r.node
	case o == &r.opts && k == kFlags:
		return &r.flags
	}
	return nil
}

// jsonObject checks the object at i, notes where its members lie, and returns
// the offset behind it. Of doubled keys the last one counts, as in JavaScript.
func (r *Reader) jsonObject(o *object, i int) (int, error) {
	s := &r.json
	i, end, err := s.OpenObject(i)
	for i >= 0 && err == nil {
		var raw []byte
		if raw, i, err = s.Key(i); err != nil {
			break
		}
		name, _ := value.Text(raw)
		k := keyOf(name)
		from := i
		if in := r.within(o, k); in != nil {
			if *in = (object{}); i < len(r.data) && r.data[i] == '{' {
				i, err = r.jsonObject(in, i)
			} else {
				i, err = s.Value(i)
			}
		} else {
			i, err = s.Value(i)
		}
		if err != nil {
			break
		}
		if k >= 0 {
			o[k] = between(from, i)
		}
		i, end, err = s.NextMember(i)
	}
	return end, err
}

// packObject is jsonObject for MessagePack.
func (r *Reader) packObject(o *object, i int) (int, error) {
	s := &r.pack
	n, i, err := s.Open(i, value.Object)
	if err != nil {
		return 0, err
	}
	for range n {
		name, at, err := s.Key(i)
		if err != nil {
			return 0, err
		}
		k := keyOf(name)
		if in := r.within(o, k); in != nil {
			if *in = (object{}); value.MsgpackKind(r.data[at:]) == value.Object {
				i, err = r.packObject(in, at)
			} else {
				i, err = s.Value(at)
			}
		} else {
			i, err = s.Value(at)
		}
		if err != nil {
			return 0, err
		}
		if k >= 0 {
			o[k] = between(at, i)
		}
	}
	s.Close()
	return i, nil
}
