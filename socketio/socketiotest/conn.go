package socketiotest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// conn is an Engine.IO connection of a client, for all its namespaces.
type conn struct {
	t      testing.TB
	s      *Server
	opts   Options
	parser siowire.Parser
	sid    string
	ended  chan struct{} // closed when its goroutines are gone
	ctx    context.Context
	cancel context.CancelFunc

	sending lock // keeps messages in order; taken before mu

	mu      sync.Mutex
	wire    transport
	faults  faults
	clients map[string]*Client
	reason  string // why it ended, or is about to
	mute    bool

	decoder siowire.Decoder // of the reader
}

// lock is a mutex that may be held while its owner waits for the network: in a
// synctest bubble time goes on for those who wait for it.
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

// transport is how a connection sends. Reading is the work of the goroutine
// that has made it.
type transport interface {
	name() string
	send(packets ...eiowire.Packet) error
	close() // asks the server to close, and stops reading
}

// An HTTPError is a request that the server refused.
type HTTPError struct {
	Status int
	Body   string
}

func (e *HTTPError) Error() string { return fmt.Sprintf("HTTP status %d: %.200s", e.Status, e.Body) }

// openPacket is what the server says first.
type openPacket struct {
	SID          string
	Upgrades     []string
	PingInterval int
	PingTimeout  int
	MaxPayload   int
}

// open makes the Engine.IO connection.
func (s *Server) open(o Options) (*conn, error) {
	c := &conn{t: s.t, s: s, opts: o, parser: o.Parser, ended: make(chan struct{}), sending: make(lock, 1), clients: make(map[string]*Client)}
	if c.parser == nil {
		c.parser = new(siowire.JSONParser)
	}
	c.decoder = c.parser.NewDecoder(&siowire.Limits{MaxAttachments: -1, MaxAttachmentBytes: -1})
	c.ctx, c.cancel = context.WithCancel(context.Background())
	var err error
	switch o.Transport {
	case "", WebSocket:
		err = c.openWebSocket()
	case Polling, Upgrade:
		err = c.openPolling(o.Transport == Upgrade)
	default:
		err = fmt.Errorf("socketiotest: unknown transport %q", o.Transport)
	}
	if err != nil {
		c.cancel()
		return nil, err
	}
	return c, nil
}

// url returns the address of a request.
func (c *conn) url(transport string) *url.URL {
	q := url.Values{}
	for k, v := range c.opts.Query {
		q[k] = v
	}
	q.Set("EIO", "4")
	q.Set("transport", transport)
	if c.sid != "" {
		q.Set("sid", c.sid)
	}
	return &url.URL{Scheme: "http", Host: cmp.Or(c.opts.Host, "host.example"), Path: cmp.Or(c.opts.Path, "/socket.io/"), RawQuery: q.Encode()}
}

func (c *conn) header() http.Header {
	if c.opts.Header == nil {
		return http.Header{}
	}
	return c.opts.Header.Clone()
}

func (c *conn) transportName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wire.name()
}

// sendPacket encodes and sends a Socket.IO packet.
func (c *conn) sendPacket(o siowire.Outgoing) error {
	e, err := c.parser.Encode(o, 4)
	if err != nil {
		return fmt.Errorf("%w: %w", errEncoding, err)
	}
	packets := make([]eiowire.Packet, 0, 1+len(e.Attachments))
	if e.Binary != nil {
		packets = append(packets, eiowire.Packet{Type: eiowire.Message, Binary: true, Data: e.Binary})
	} else {
		packets = append(packets, eiowire.Packet{Type: eiowire.Message, Data: e.Text})
	}
	for _, a := range e.Attachments {
		packets = append(packets, eiowire.Packet{Type: eiowire.Message, Binary: true, Data: a})
	}
	return c.send(packets...)
}

var errEncoding = errors.New("socketiotest: cannot be encoded")

func (c *conn) send(packets ...eiowire.Packet) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	wire, reason := c.wire, c.reason
	c.mu.Unlock()
	if reason != "" {
		return fmt.Errorf("%w: %s", errDisconnected, reason)
	}
	return wire.send(packets...)
}

// SendRaw sends a text as one Engine.IO message, whatever it says: for tests of
// what broken or hostile clients do.
func (c *Client) SendRaw(text string) error {
	return c.conn.send(eiowire.Packet{Type: eiowire.Message, Data: []byte(text)})
}

// errClosed is why reading ends after the server has said so.
var errClosed = errors.New("socketiotest: closed by the server")

// take handles one packet from the server.
func (c *conn) take(p eiowire.Packet) error {
	switch p.Type {
	case eiowire.Message:
		return c.message(p)
	case eiowire.Ping:
		c.mu.Lock()
		mute := c.mute
		c.mu.Unlock()
		if mute {
			return nil
		}
		return c.send(eiowire.Packet{Type: eiowire.Pong, Data: p.Data})
	case eiowire.Close:
		return errClosed
	}
	return nil
}

func (c *conn) message(m eiowire.Packet) error {
	var p siowire.Packet
	complete, err := c.decoder.Add(m.Data, m.Binary, &p)
	if err != nil {
		c.t.Errorf("socketiotest: the server sent a bad packet: %v: %.200q", err, m.Data)
		return err
	}
	if !complete {
		return nil
	}
	p.Detach()
	c.mu.Lock()
	client := c.clients[p.Namespace]
	c.mu.Unlock()
	if client == nil {
		c.t.Errorf("socketiotest: the server sent %s to namespace %q, which was not joined", p.Type, p.Namespace)
		return nil
	}
	if err := client.packet(&p); err != nil {
		c.t.Errorf("socketiotest: the server sent a bad %s: %v", p.Type, err)
	}
	return nil
}

// end ends the connection for that reason, unless it has one.
func (c *conn) end(reason string) {
	if wire := c.ending(reason); wire != nil {
		wire.close()
	}
	c.cancel()
}

// ending notes the reason. It returns the transport if that is news.
func (c *conn) ending(reason string) transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason != "" {
		return nil
	}
	c.reason = reason
	return c.wire
}

// finished is the last act of the goroutine that reads: err is why it does not
// go on.
func (c *conn) finished(err error) {
	reason := "transport close"
	if err != nil && !errors.Is(err, errClosed) && !errors.Is(err, io.EOF) {
		reason = "transport error"
	}
	if wire := c.ending(reason); wire != nil {
		wire.close()
	}
	c.cancel()
	c.mu.Lock()
	reason = c.reason
	clients := make([]*Client, 0, len(c.clients))
	for _, client := range c.clients {
		clients = append(clients, client)
	}
	c.mu.Unlock()
	for _, client := range clients {
		client.left(reason)
	}
	close(c.ended)
}

func (c *conn) opened(p eiowire.Packet) (o openPacket, err error) {
	if p.Type != eiowire.Open {
		return o, fmt.Errorf("socketiotest: the server sent a packet of type %d first", p.Type)
	}
	if err := json.Unmarshal(p.Data, &o); err != nil {
		return o, err
	}
	c.sid = o.SID
	return o, nil
}

func readError(res *http.Response) error {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return err
	}
	return &HTTPError{res.StatusCode, strings.TrimSpace(string(body))}
}
