package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// conn is one connection to the server, from its handshake to its end. Nothing
// of it runs while it is idle but the reader.
type conn struct {
	c       *Client
	may     []string        // the transports that it may use
	ctx     context.Context // ends with it
	cancel  context.CancelFunc
	open    opened
	decoder siowire.Decoder // of the reader
	silence *time.Timer     // ends it when the server is silent for too long
	early   eiowire.Payload // what came with the handshake

	mu       sync.Mutex
	queue    []eiowire.Packet
	bytes    int
	flushing bool
	paused   bool          // an upgrade is under way: what there is to send waits
	idle     chan struct{} // not nil: closed when nothing is being sent
	ws       *socket       // nil on polling
	probed   *socket       // a WebSocket that takes over when the poll has ended
	upgraded chan struct{} // closed when probed has taken over, or cannot
	ended    bool
	reason   string
	err      error
}

// opened is what the server says first.
type opened struct {
	SID          string
	Upgrades     []string
	PingInterval int
	PingTimeout  int
	MaxPayload   int
}

func newConn(c *Client, transports []string) *conn {
	k := &conn{c: c, may: transports}
	k.ctx, k.cancel = context.WithCancel(c.ctx)
	k.decoder = c.opts.Parser.NewDecoder(&siowire.Limits{MaxAttachments: -1, MaxAttachmentBytes: c.opts.MaxMessage})
	return k
}

// address is where requests go.
func (k *conn) address(transport string) *url.URL {
	u := *k.c.base
	u.Path = k.c.opts.Path
	q := u.Query()
	for name, values := range k.c.opts.Query {
		q[name] = values
	}
	q.Set("EIO", "4")
	q.Set("transport", transport)
	if k.open.SID != "" {
		q.Set("sid", k.open.SID)
	}
	u.RawQuery = q.Encode()
	return &u
}

func (k *conn) header() http.Header {
	h := k.c.opts.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	return h
}

// dial makes the handshake.
func (k *conn) dial(ctx context.Context, transport string) error {
	var p eiowire.Packet
	var err error
	if transport == WebSocket {
		var ws *socket
		if ws, err = k.dialWebSocket(ctx); err != nil {
			return err
		}
		k.ws = ws
		stop := context.AfterFunc(ctx, ws.close)
		p, err = ws.read()
		stop()
	} else {
		p, err = k.firstPoll(ctx)
	}
	if err == nil && p.Type != eiowire.Open {
		err = errors.New("the first packet is not the handshake")
	}
	if err == nil {
		err = json.Unmarshal(p.Data, &k.open)
	}
	var known *HandshakeError
	if err != nil && !errors.As(err, &known) {
		err = &HandshakeError{Transport: transport, Text: "this is no Socket.IO server, or not at this path (Options.Path)", Err: err}
	}
	if err != nil {
		return err
	}
	k.silence = time.AfterFunc(k.patience(), func() { k.fail("ping timeout", errors.New("the server is silent")) })
	return nil
}

// patience is how long a server may be silent that pings.
func (k *conn) patience() time.Duration {
	return time.Duration(k.open.PingInterval+k.open.PingTimeout) * time.Millisecond
}

func (k *conn) name() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ws != nil {
		return WebSocket
	}
	return Polling
}

// read takes what the server sends, until the end.
func (k *conn) read() {
	k.mu.Lock()
	ws := k.ws
	k.mu.Unlock()
	var err error
	if ws == nil {
		if slices.Contains(k.may, WebSocket) && slices.Contains(k.open.Upgrades, WebSocket) {
			k.c.goFunc(k.upgrade)
		}
		ws, err = k.poll()
	}
	for err == nil && ws != nil {
		var p eiowire.Packet
		if p, err = ws.read(); err == nil {
			err = k.take(p)
		}
	}
	if err == nil || errors.Is(err, io.EOF) {
		k.fail("transport close", err)
	} else {
		k.fail("transport error", err)
	}
	if k.silence != nil {
		k.silence.Stop()
	}
}

// take handles one packet of the server.
func (k *conn) take(p eiowire.Packet) error {
	switch p.Type {
	case eiowire.Ping:
		k.silence.Reset(k.patience())
		return k.send(eiowire.Packet{Type: eiowire.Pong, Data: slices.Clone(p.Data)})
	case eiowire.Close:
		return io.EOF
	case eiowire.Message:
		var packet siowire.Packet
		complete, err := k.decoder.Add(p.Data, p.Binary, &packet)
		if err != nil {
			k.fail("parse error", err)
			return err
		}
		if complete {
			packet.Detach()
			k.c.packet(k, &packet)
		}
	}
	return nil
}

// packet gives a packet to the socket it is for.
func (c *Client) packet(k *conn, p *siowire.Packet) {
	c.mu.Lock()
	s := c.sockets[p.Namespace]
	c.mu.Unlock()
	if s != nil {
		s.packet(k, p)
	}
}

// emit sends a Socket.IO packet.
func (k *conn) emit(e siowire.Encoded) error {
	packets := make([]eiowire.Packet, 0, 1+len(e.Attachments))
	if e.Binary != nil {
		packets = append(packets, eiowire.Packet{Type: eiowire.Message, Binary: true, Data: e.Binary})
	} else {
		packets = append(packets, eiowire.Packet{Type: eiowire.Message, Data: e.Text})
	}
	for _, a := range e.Attachments {
		packets = append(packets, eiowire.Packet{Type: eiowire.Message, Binary: true, Data: a})
	}
	return k.send(packets...)
}

// send queues packets, which are sent in order by a goroutine that ends when
// there are no more.
func (k *conn) send(packets ...eiowire.Packet) error {
	size := 0
	for _, p := range packets {
		size += len(p.Data)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return ErrDisconnected
	}
	if k.bytes > 0 && k.bytes+size > k.c.opts.BufferBytes {
		return ErrBufferFull
	}
	k.queue = append(k.queue, packets...)
	k.bytes += size
	k.startLocked()
	return nil
}

func (k *conn) startLocked() {
	if !k.flushing && !k.paused && len(k.queue) > 0 {
		k.flushing = k.c.goFunc(k.flush)
	}
}

func (k *conn) flush() {
	for {
		k.mu.Lock()
		if k.paused || k.ended || len(k.queue) == 0 {
			k.flushing = false
			if k.idle != nil {
				close(k.idle)
				k.idle = nil
			}
			k.mu.Unlock()
			return
		}
		batch, ws := k.queue, k.ws
		k.queue, k.bytes = nil, 0
		k.mu.Unlock()
		var err error
		if ws != nil {
			err = ws.write(batch)
		} else {
			err = k.post(batch)
		}
		if err != nil {
			k.fail("transport error", err)
		}
	}
}

// fail ends the connection, for the first reason given.
func (k *conn) fail(reason string, err error) {
	k.mu.Lock()
	if k.ended {
		k.mu.Unlock()
		return
	}
	k.ended, k.reason, k.err = true, reason, err
	list := []*socket{k.ws, k.probed}
	k.mu.Unlock()
	k.cancel()
	for _, ws := range list {
		if ws != nil {
			ws.close()
		}
	}
}

// finish sends what there is to send, for a moment, and ends the connection as a
// client does that leaves.
func (k *conn) finish() {
	k.mu.Lock()
	var sent chan struct{}
	if k.flushing {
		if k.idle == nil {
			k.idle = make(chan struct{})
		}
		sent = k.idle
	}
	k.mu.Unlock()
	if sent != nil {
		timer := time.NewTimer(time.Second)
		defer timer.Stop()
		select {
		case <-sent:
		case <-timer.C:
		case <-k.ctx.Done():
		}
	}
	k.mu.Lock()
	ws, ended := k.ws, k.ended
	k.mu.Unlock()
	if !ended {
		if ws != nil {
			ws.goodbye()
		} else {
			ctx, cancel := context.WithTimeout(k.ctx, time.Second)
			_ = k.postBody(ctx, []byte{eiowire.Close.Char()}) // who does not hear it finds out by the heartbeat
			cancel()
		}
	}
	k.fail("io client disconnect", ErrClosed)
}

// join asks to be let into a socket's namespace.
func (k *conn) join(s *Socket) {
	if !s.joins(k) {
		return
	}
	auth, err := s.auth(k.ctx)
	if err == nil {
		var e siowire.Encoded
		if e, err = k.c.opts.Parser.Encode(siowire.Outgoing{Type: siowire.Connect, Namespace: s.nsp, Data: auth}, 4); err == nil {
			if s.isActive() {
				_ = k.emit(e) // a connection that has ended meanwhile is made anew
			}
			return
		}
	}
	s.refused(fmt.Errorf("client: auth for %s: %w", s.nsp, err))
}
