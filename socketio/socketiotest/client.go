package socketiotest

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Client is one client in one namespace. Its methods may be called from any
// goroutine, those that fail the test at once (Next, Ask, Scan…) only from the
// test's own.
type Client struct {
	t    testing.TB
	conn *conn
	nsp  string
	wait time.Duration

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced whenever something below changes
	id       string
	pid      string
	offset   string
	joined   bool
	refused  *ConnectError
	reason   string // why it is disconnected; "" while it is not
	events   []*Event
	handlers map[string]func(*Event)
	acks     map[uint64]*Event // nil until the answer is there
	lastID   uint64
}

// errDisconnected is in the chain of what Emit returns when the client is not
// connected.
var errDisconnected = errors.New("socketiotest: the client is disconnected")

func newClient(c *conn, nsp string) *Client {
	client := &Client{
		t: c.t, conn: c, nsp: nsp, wait: c.opts.timeout(), changed: make(chan struct{}),
		handlers: maps.Clone(c.opts.Handle), acks: make(map[uint64]*Event),
	}
	if client.handlers == nil {
		client.handlers = make(map[string]func(*Event))
	}
	return client
}

// update changes the client and wakes those who wait.
func (c *Client) update(f func()) {
	c.mu.Lock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
}

// await waits until ready, which is called with c.mu held, and reports false if
// that takes longer than d.
func (c *Client) await(d time.Duration, ready func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		c.mu.Lock()
		ok, changed := ready(), c.changed
		c.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// ID returns the socket's id, as the server knows it too.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Namespace returns the name of the client's namespace.
func (c *Client) Namespace() string { return c.nsp }

// Transport returns what the connection runs on: "polling" or "websocket".
func (c *Client) Transport() string { return c.conn.transportName() }

// Connected reports whether the client is in its namespace.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joined && c.reason == ""
}

// Emit sends an event. It is what makes a Client a socketio.Emitter: with a
// typed event, chat.Say.Emit(c, line). The error says that the client is not
// connected or an argument cannot be encoded.
func (c *Client) Emit(event string, args ...any) error {
	return c.send(siowire.Outgoing{Type: siowire.Event, Event: event, Args: args})
}

func (c *Client) send(o siowire.Outgoing) error {
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	if reason != "" {
		return fmt.Errorf("%w: %s", errDisconnected, reason)
	}
	o.Namespace = c.nsp
	return c.conn.sendPacket(o)
}

// Ask sends an event and returns the server's acknowledgement. None in time
// fails the test.
func (c *Client) Ask(event string, args ...any) *Event {
	c.t.Helper()
	answer, err := c.ask(event, args)
	if err != nil {
		c.t.Fatalf("asking %s: %v", event, err)
	}
	return answer
}

func (c *Client) ask(event string, args []any) (*Event, error) {
	var id uint64
	c.update(func() {
		id = c.lastID
		c.lastID++
		c.acks[id] = nil
	})
	if err := c.send(siowire.Outgoing{Type: siowire.Event, Event: event, Args: args, ID: id, HasID: true}); err != nil {
		return nil, err
	}
	var answer *Event
	var reason string
	ok := c.await(c.wait, func() bool {
		answer, reason = c.acks[id], c.reason
		return answer != nil || reason != ""
	})
	c.update(func() { delete(c.acks, id) })
	switch {
	case answer != nil:
		return answer, nil
	case ok:
		return nil, fmt.Errorf("%w: %s", errDisconnected, reason)
	}
	return nil, fmt.Errorf("no acknowledgement within %s", c.wait)
}

// Handle has f called for each event of that name, from the goroutine that
// reads the connection, instead of being kept for Next. It is how a client
// answers while the test waits for something else.
func (c *Client) Handle(event string, f func(e *Event)) { c.update(func() { c.handlers[event] = f }) }

// Next returns the next event of that name and takes it out of those kept;
// events of other names stay. None in time fails the test, as does a
// disconnect.
func (c *Client) Next(event string) *Event {
	c.t.Helper()
	var got *Event
	c.await(c.wait, func() bool {
		for i, e := range c.events {
			if e.Name == event {
				got = e
				c.events = append(c.events[:i], c.events[i+1:]...)
				return true
			}
		}
		return c.reason != ""
	})
	if got == nil {
		c.mu.Lock()
		kept, reason := fmt.Sprint(c.events), c.reason
		c.mu.Unlock()
		if reason != "" {
			c.t.Fatalf("no event %q before the disconnect (%s); received: %.1000s", event, reason, kept)
		}
		c.t.Fatalf("no event %q within %s; received: %.1000s", event, c.wait, kept)
	}
	return got
}

// Events returns the events that were kept, in the order in which they arrived,
// and forgets them.
func (c *Client) Events() []*Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.events
	c.events = nil
	return all
}

// Disconnected waits until the client is disconnected and returns why, in the
// official client's words: "io server disconnect", "io client disconnect",
// "transport close" or "transport error". If that does not happen in time, the
// test fails.
func (c *Client) Disconnected() (reason string) {
	c.t.Helper()
	if !c.await(c.wait, func() bool { reason = c.reason; return reason != "" }) {
		c.t.Fatalf("still connected after %s", c.wait)
	}
	return reason
}

// Disconnect leaves the namespace. The connection stays, for other namespaces.
func (c *Client) Disconnect() {
	_ = c.send(siowire.Outgoing{Type: siowire.Disconnect}) // of an ended connection it is true already
	c.left("io client disconnect")
}

// Close closes the connection, for all its namespaces, as a page does that is left.
func (c *Client) Close() {
	c.conn.end("io client disconnect")
	<-c.conn.ended
}

// left notes the end, of which the first reason counts.
func (c *Client) left(reason string) {
	c.update(func() {
		if c.reason == "" {
			c.reason = reason
		}
	})
}

// packet takes what the server has sent to this namespace. It runs on the
// goroutine that reads the connection.
func (c *Client) packet(p *siowire.Packet) error {
	switch p.Type {
	case siowire.Connect:
		var body struct{ SID, PID string }
		if err := p.Data.Decode(&body); err != nil {
			return err
		}
		c.update(func() { c.joined, c.id, c.pid = true, body.SID, body.PID })
	case siowire.ConnectError:
		refused := new(ConnectError)
		if err := p.Data.Decode(refused); err != nil {
			return err
		}
		c.update(func() { c.refused, c.reason = refused, "connect error" })
	case siowire.Disconnect:
		c.left("io server disconnect")
	case siowire.Ack:
		c.update(func() {
			if _, asked := c.acks[p.ID]; asked {
				c.acks[p.ID] = &Event{c: c, Args: p.Args}
			}
		})
	case siowire.Event:
		c.event(&Event{c: c, Name: p.Event, Args: p.Args, id: p.ID, hasID: p.HasID})
	}
	return nil
}

func (c *Client) event(e *Event) {
	var handler func(*Event)
	c.update(func() {
		if (c.pid != "" || !c.joined) && !e.hasID { // what comes before CONNECT counts as after it
			// As official clients: the last string is the offset, be it the event's name.
			offset := e.Name
			if e.Len() == 0 || e.Arg(e.Len()-1).Decode(&offset) == nil {
				c.offset = offset
			}
		}
		if handler = c.handlers[e.Name]; handler == nil {
			c.events = append(c.events, e)
		}
	})
	if handler != nil {
		handler(e)
	}
}
