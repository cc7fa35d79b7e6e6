package nodewire

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"unsafe"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// Shared reads a message of the shared model, JSON or MessagePack, that came on a
// channel of namespace ns, where a message may leave it out. If ns is empty the
// message tells.
func (r *Reader) Shared(ns string, payload []byte) (*adapter.Message, error) {
	if err := r.begin(payload); err != nil {
		return nil, err
	}
	r.shared = true
	if err := r.whole(&r.top); err != nil {
		return nil, err
	}
	m := &r.msg
	m.NS = ns
	if at := r.top[kNSP]; !r.none(at) {
		nsp, ok := r.str(at)
		switch {
		case !ok:
			return nil, Names
		case ns != "" && nsp != ns:
			return nil, nil
		case ns == "":
			m.NS = string([]byte(nsp))
		}
	}
	if !okNS(m.NS) {
		return nil, Names
	}
	t, ok := r.number(r.top[kType])
	if !ok || t > 255 {
		return nil, Kind
	}
	m.Kind = adapter.Kind(t)
	var err error
	if m.From, err = r.sender(r.top[kUID]); err != nil {
		return nil, err
	}
	if err = r.route(m, r.top[kSeq], r.top[kLane], r.top[kTo]); err != nil {
		return nil, err
	}
	return r.sharedBody(m)
}

// Attachment reads a notification of PostgreSQL that only names the row of the
// table that has the message: who has sent it, and the row's number, 0 if it is
// the message itself. It is JSON.
func (r *Reader) Attachment(payload []byte) (from string, row uint64, err error) {
	if !bytes.Contains(payload, []byte(`"attachmentId"`)) {
		return "", 0, nil
	}
	if err := r.begin(payload); err != nil {
		return "", 0, err
	}
	r.shared = true
	if err := r.whole(&r.top); err != nil {
		return "", 0, err
	}
	at := r.top[kAttachmentID]
	if r.none(at) {
		return "", 0, nil
	}
	row, ok := r.uint(at)
	if !ok || row == 0 || row > math.MaxInt64 {
		return "", 0, ID
	}
	if from, err = r.sender(r.top[kUID]); err != nil {
		return "", 0, err
	}
	return from, row, nil
}

// Last is whose the message was that was read last, and its namespace, as far as
// it told before it turned out to be none of this node's business.
func (r *Reader) Last() (ns, from string) { return r.msg.NS, r.msg.From }

// An Entry is what a stream's entry has in the fields that concern us.
type Entry struct{ UID, NSP, Type, Data, Seq, Lane, To string }

// Set sets a field by its name; others are ignored.
func (e *Entry) Set(name, value string) {
	switch name {
	case "uid":
		e.UID = value
	case "nsp":
		e.NSP = value
	case "type":
		e.Type = value
	case "data":
		e.Data = value
	case "seq":
		e.Seq = value
	case "lane":
		e.Lane = value
	case "to":
		e.To = value
	}
}

// Entry reads an entry of a stream.
func (r *Reader) Entry(e *Entry) (*adapter.Message, error) {
	data := unsafe.Slice(unsafe.StringData(e.Data), len(e.Data)) // read only
	if err := r.begin(data); err != nil {
		return nil, err
	}
	r.shared = true
	m := &r.msg
	t, err := strconv.ParseUint(e.Type, 10, 8)
	if err != nil {
		return nil, Kind
	}
	m.Kind = adapter.Kind(t)
	if m.NS = e.NSP; !okNS(m.NS) {
		return nil, Names
	}
	if e.UID != "" && e.UID != "emitter" {
		if m.From, err = r.id(e.UID); err != nil {
			return nil, err
		}
	}
	if r.mine(m) {
		return nil, nil
	}
	if e.Seq != "" {
		m.Seq, _ = strconv.ParseUint(e.Seq, 10, 64) // none, if it is something else
	}
	if e.Lane != "" {
		lane, _ := strconv.ParseUint(e.Lane, 10, 32)
		m.Lane = uint32(lane)
	}
	if e.To != "" {
		if m.To, err = r.id(e.To); err != nil {
			return nil, err
		}
	}
	if r.msgpack && len(data) > 0 {
		n := base64.StdEncoding.DecodedLen(len(data))
		if cap(r.binary) < n {
			r.binary = make([]byte, n)
		}
		r.binary = r.binary[:n]
		if n, err = base64.StdEncoding.Decode(r.binary, data); err != nil {
			return nil, Parse
		}
		r.data = r.binary[:n]
	}
	if len(data) == 0 {
		r.inner = object{}
		return r.sharedBody(m)
	}
	if err := r.whole(&r.inner); err != nil {
		return nil, err
	}
	return r.sharedBody(m)
}

// sharedBody reads a message's data for its kind, once all else has been read.
func (r *Reader) sharedBody(m *adapter.Message) (*adapter.Message, error) {
	if r.mine(m) {
		return nil, nil
	}
	if !inShared(m.Kind) {
		return r.later(m)
	}
	in := &r.inner // empty if the data is no object
	var err error
	if m.Request, err = r.request(in[kRequestID], mustAsk(m.Kind)); err != nil {
		return nil, err
	}
	switch m.Kind {
	case adapter.Hello, adapter.Heartbeat, adapter.Goodbye:
		if m.From == "" {
			return nil, ID
		}
		if m.Kind != adapter.Goodbye { // which says no more
			err = r.readNode(m, in[kNode], in[kPositions])
		}
	case adapter.Broadcast:
		if err = r.target(m, in[kOpts]); err != nil {
			break
		}
		if m.Request == "" && !r.wantsAny(m.NS, m.Rooms) {
			return r.skipped(m.From, m.NS, m.Seq, m.Lane), nil
		}
		if r.kind(in[kPacket]) != value.Object {
			return nil, Parse
		}
		err = r.event(m)
	case adapter.Join, adapter.Leave:
		if err = r.target(m, in[kOpts]); err == nil {
			r.names, err = r.strings(r.names[:0], in[kRooms])
			m.Names = r.names
		}
	case adapter.Disconnect:
		m.Close = r.true(in[kClose])
		err = r.target(m, in[kOpts])
	case adapter.Fetch:
		err = r.target(m, in[kOpts])
	case adapter.FetchAnswer:
		_, err = r.list(m, in[kSockets])
	case adapter.ServerSide:
		if _, err = r.list(m, in[kPacket]); err == nil {
			err = r.named(m, false)
		}
	case adapter.ServerSideAnswer, adapter.ClientAck:
		err = r.answer(m, in[kPacket], in[kArgs])
	case adapter.ClientCount:
		err = r.count(m, in[kClientCount])
	case adapter.HasAnswer:
		err = r.count(m, in[kCount])
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}
