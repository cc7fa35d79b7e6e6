package socketio

import (
	"fmt"
	"unsafe"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// An Emitter is what events can be sent to: a [Server] (its root namespace), a
// [Namespace], a [Broadcast], a [Socket], a [Direct] or a [RemoteSocket].
//
// Emit never blocks on the network and may be called from any goroutine. What
// one goroutine emits arrives in that order. Arguments are encoded before it
// returns, but a []byte is sent as it is and must not be changed afterwards.
// The error says that the name is reserved ([ErrReservedEvent]), that an
// argument cannot be encoded, or that there is more binary than clients take
// ([ErrTooManyAttachments]). Of a single socket of this node it says, too, why
// nothing was sent: [ErrDisconnected], [engineio.ErrQueueFull] for a client
// that does not read, or [engineio.ErrNotWritable] for a volatile event. Who of
// many did not get it is in [Server.Stats]. Nil says that it was queued, and
// not that the client has it: for that ask for an acknowledgement.
type Emitter interface {
	Emit(event string, args ...any) error
}

var (
	_ Emitter = (*Server)(nil)
	_ Emitter = (*Namespace)(nil)
	_ Emitter = (*Socket)(nil)
	_ Emitter = Broadcast{}
	_ Emitter = Direct{}
	_ Emitter = RemoteSocket{}
)

// encode makes the message that every receiver shares. Events are the same in
// both protocols.
func (srv *Server) encode(p *siowire.Outgoing, protocol int) (*engineio.Message, error) {
	e, err := srv.packet(p, protocol)
	if err != nil {
		return nil, err
	}
	return message(e), nil
}

func (srv *Server) packet(p *siowire.Outgoing, protocol int) (siowire.Encoded, error) {
	p.Headroom = engineio.Headroom
	e, err := srv.opts.Parser.Encode(*p, protocol)
	if err == nil && len(e.Attachments) > srv.opts.MaxSentAttachments {
		err = srv.tooMany(len(e.Attachments))
	}
	return e, err
}

func (srv *Server) tooMany(attachments int) error {
	return fmt.Errorf("%w: %d of at most %d", ErrTooManyAttachments, attachments, srv.opts.MaxSentAttachments)
}

// encodeOne encodes a packet for this socket alone, to be sent with sendEncoded.
func (s *Socket) encodeOne(p *siowire.Outgoing) (siowire.Encoded, *engineio.Buffer, error) {
	b := engineio.NewBuffer()
	p.Buffer = &b.B
	e, err := s.conn.srv.packet(p, s.conn.sess.Protocol())
	if err != nil {
		b.Free()
	}
	return e, b, err
}

// answer acknowledges an event of the client.
func (s *Socket) answer(id uint64, args []any) (encoded bool, err error) {
	if s.state.Load() == disconnected {
		s.conn.srv.dropped(s, "", ErrDisconnected)
		return true, s.lostError()
	}
	e, b, err := s.encodeOne(&siowire.Outgoing{Type: siowire.Ack, Namespace: s.name, ID: id, HasID: true, Args: args})
	if err != nil {
		return false, err
	}
	return true, s.sendEncoded("", e, b, 0)
}

// sendEncoded sends what was encoded with b, which it takes over.
func (s *Socket) sendEncoded(event string, e siowire.Encoded, b *engineio.Buffer, f engineio.Flags) error {
	size := sizeOf(&e)
	return s.counted(event, size, s.queueEncoded(e, b, f))
}

// queueEncoded is sendEncoded without the counting.
func (s *Socket) queueEncoded(e siowire.Encoded, b *engineio.Buffer, f engineio.Flags) error {
	if len(e.Text) > 0 && unsafe.SliceData(e.Text) == unsafe.SliceData(b.B) {
		return s.conn.sess.SendBuffer(b, f)
	}
	b.Free()
	return s.conn.sess.Send(message(e), f)
}

// sizeOf is the Size of the message that e becomes.
func sizeOf(e *siowire.Encoded) int {
	if e.Binary != nil {
		return len(e.Binary)
	}
	n := len(e.Text) - engineio.Headroom
	for _, a := range e.Attachments {
		n += len(a)
	}
	return n
}

func message(e siowire.Encoded) *engineio.Message {
	if e.Binary != nil {
		return engineio.NewBinary(e.Binary)
	}
	return engineio.NewMessage(e.Text, e.Attachments...)
}

func checkEvent(event string) error {
	if Reserved(event) {
		return fmt.Errorf("%w: %s", ErrReservedEvent, clip.Quoted(event))
	}
	return nil
}

// Emit sends an event to this socket; see [Emitter].
func (s *Socket) Emit(event string, args ...any) error { return s.emit(event, args, 0) }

// A Direct sends to one socket, with flags. It is a value: the methods return
// copies.
type Direct struct {
	s     *Socket
	flags engineio.Flags
}

// Volatile sends what follows only if it can leave at once: it is dropped, with
// [engineio.ErrNotWritable], while the client does not keep up or is between
// two polls; see [Broadcast.Volatile].
func (s *Socket) Volatile() Direct { return Direct{s: s}.Volatile() }

// Compress says whether what follows may be compressed; see
// [Broadcast.Compress].
func (s *Socket) Compress(on bool) Direct { return Direct{s: s}.Compress(on) }

// Volatile is [Socket.Volatile].
func (d Direct) Volatile() Direct {
	d.flags |= engineio.Volatile
	return d
}

// Compress is [Socket.Compress].
func (d Direct) Compress(on bool) Direct {
	d.flags = compressFlag(d.flags, on)
	return d
}

// Emit sends an event; see [Emitter].
func (d Direct) Emit(event string, args ...any) error { return d.s.emit(event, args, d.flags) }

func compressFlag(f engineio.Flags, on bool) engineio.Flags {
	if on {
		return f &^ engineio.NoCompress
	}
	return f | engineio.NoCompress
}

func (s *Socket) emit(event string, args []any, f engineio.Flags) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	if s.state.Load() == disconnected {
		s.conn.srv.dropped(s, event, ErrDisconnected)
		return s.lostError()
	}
	rec := s.ns.recovery
	e, b, err := s.encodeOne(&siowire.Outgoing{Type: siowire.Event, Namespace: s.name, Event: event, Args: rec.withOffset(args)})
	if err != nil {
		return err
	}
	s.outgoing(event, args)
	if rec != nil {
		size := sizeOf(&e)
		return s.counted(event, size, rec.send(s, event, args, e, b, f))
	}
	return s.sendEncoded(event, e, b, f)
}

// send queues m and counts what became of it. event is "" for an
// acknowledgement.
func (s *Socket) send(event string, m *engineio.Message, f engineio.Flags) error {
	return s.counted(event, m.Size(), s.conn.sess.Send(m, f))
}

// counted counts what became of a message of that size, tells of it, and says it
// in this package's words. The caller holds no lock.
func (s *Socket) counted(event string, size int, err error) error {
	srv := s.conn.srv
	if err != nil {
		srv.dropped(s, event, err)
		if s.state.Load() == disconnected {
			return s.lostError()
		}
		return err
	}
	srv.stats.sent.Add(1)
	s.told.Add(1)
	if event == "" {
		srv.stats.acksOut.Add(1)
	}
	srv.traceSent(s, event, size)
	return nil
}

// outgoing tells the listeners of OnAnyOutgoing.
func (s *Socket) outgoing(event string, args []any) {
	for _, f := range s.ns.reg.load().outgoing {
		_ = s.conn.srv.try("OnAnyOutgoing", func() error { f(s, event, args); return nil }) // logged there
	}
}

// lostError is what methods of a lost socket return.
func (s *Socket) lostError() error {
	cause := s.ended()
	if cause == nil {
		return ErrDisconnected
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, cause)
}
