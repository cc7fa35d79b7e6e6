package socketiotest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// The transports a client may use.
const (
	WebSocket = "websocket" // from the first byte
	Polling   = "polling"   // and no upgrade
	Upgrade   = "upgrade"   // polling first, then websocket, as official clients do
)

// Options are what a client brings along. Nil and zero values mean the defaults.
type Options struct {
	Namespace string                    // "/" by default
	Auth      any                       // the handshake's auth: something that becomes a JSON object
	Transport string                    // WebSocket by default; Polling; Upgrade
	Header    http.Header               // sent with every request: cookies, an origin
	Query     url.Values                // more parameters of the handshake's URL
	Path      string                    // "/socket.io/" by default
	Host      string                    // "host.example" by default
	Parser    socketio.Parser           // JSON by default; the server's must be the same
	Handle    map[string]func(e *Event) // Client.Handle from the start, for what is sent during the connect
	Timeout   time.Duration             // how long Connect, Next, Ask… wait, each; 10 s by default
}

func (o *Options) timeout() time.Duration { return cmp.Or(o.Timeout, 10*time.Second) }

// Connect connects a new client, on a connection of its own. A refusal fails
// the test. The client is in when Connect returns, but the server's OnConnect
// may still run; in a bubble synctest.Wait waits for it.
func (s *Server) Connect(o *Options) *Client {
	s.t.Helper()
	c, err := s.Dial(o)
	if err != nil {
		s.t.Fatalf("socketiotest: connecting: %v", err)
	}
	return c
}

// Dial is Connect for tests that expect a refusal. If the namespace refuses,
// the error is a *ConnectError; if the server does not even take the
// connection, an *HTTPError.
func (s *Server) Dial(o *Options) (*Client, error) { return s.dial(o, nil) }

// state is what a client keeps for coming back.
type state struct{ pid, offset string }

// auth returns the client's own auth with the state in it.
func (st *state) auth(own any) (any, error) {
	if st == nil || st.pid == "" {
		return own, nil
	}
	all := map[string]any{}
	if own != nil {
		text, err := json.Marshal(own)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			return nil, err
		}
	}
	all["pid"] = st.pid
	if st.offset != "" {
		all["offset"] = st.offset
	}
	return all, nil
}

func (s *Server) dial(o *Options, old *state) (*Client, error) {
	if o == nil {
		o = new(Options)
	}
	conn, err := s.open(*o)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.clients = append(s.clients, conn)
	s.mu.Unlock()
	c, err := conn.join(cmp.Or(o.Namespace, "/"), o.Auth, old)
	if err != nil {
		conn.end("io client disconnect")
		<-conn.ended
	}
	return c, err
}

// Join joins another namespace over the same connection. A refusal fails the test.
func (c *Client) Join(namespace string, auth any) *Client {
	c.t.Helper()
	other, err := c.TryJoin(namespace, auth)
	if err != nil {
		c.t.Fatalf("socketiotest: joining %s: %v", namespace, err)
	}
	return other
}

// TryJoin is Join for tests that expect a refusal: the error is a *ConnectError
// then.
func (c *Client) TryJoin(namespace string, auth any) (*Client, error) {
	return c.conn.join(namespace, auth, nil)
}

// Reconnect connects again after a loss, as official clients do: on a new
// connection, with what the server needs to restore the old state if it has
// Options.Recovery. It returns a new Client, to which the events go that were
// missed.
func (c *Client) Reconnect() *Client {
	c.t.Helper()
	return c.ReconnectTo(c.conn.s)
}

// ReconnectTo is Reconnect to another server, a node of the same cluster say.
func (c *Client) ReconnectTo(s *Server) *Client {
	c.t.Helper()
	c.mu.Lock()
	old := &state{c.pid, c.offset}
	c.mu.Unlock()
	o := c.conn.opts
	o.Namespace = c.nsp
	again, err := s.dial(&o, old)
	if err != nil {
		c.t.Fatalf("socketiotest: reconnecting: %v", err)
	}
	return again
}

// Recovery returns what the client would send for its old state on Reconnect:
// pid and offset, as members of its auth. It is for tests that change it first.
func (c *Client) Recovery() map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	auth := map[string]any{"pid": c.pid}
	if c.offset != "" {
		auth["offset"] = c.offset
	}
	return auth
}

// join sends CONNECT and waits for the answer.
func (c *conn) join(nsp string, auth any, old *state) (*Client, error) {
	client := newClient(c, nsp)
	auth, err := old.auth(auth)
	if err != nil {
		return nil, fmt.Errorf("socketiotest: auth: %w", err)
	}
	if old != nil {
		client.pid, client.offset = old.pid, old.offset // events may come before the answer
	} else if state, ok := auth.(map[string]any); ok {
		client.offset, _ = state["offset"].(string) // it is kept until there is another
	}
	c.mu.Lock()
	before := c.clients[nsp]
	c.clients[nsp] = client
	c.mu.Unlock()
	if before != nil && before.Connected() {
		return nil, fmt.Errorf("socketiotest: %s is joined already", nsp)
	}
	if err := c.sendPacket(siowire.Outgoing{Type: siowire.Connect, Namespace: nsp, Data: auth}); err != nil {
		return nil, err
	}
	var refused *ConnectError
	var reason string
	ok := client.await(client.wait, func() bool {
		refused, reason = client.refused, client.reason
		return client.joined || reason != ""
	})
	switch {
	case refused != nil:
		return nil, refused
	case reason != "":
		return nil, fmt.Errorf("%w: %s", errDisconnected, reason)
	case !ok:
		return nil, fmt.Errorf("socketiotest: no answer to CONNECT %s within %s", nsp, client.wait)
	}
	return client, nil
}
