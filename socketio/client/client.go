package client

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// A Client is a connection to a server, made when a socket of it connects, and
// made anew after a loss. [Dial] is the short way to one with one socket. All
// methods may be called from any goroutine.
type Client struct {
	base   *url.URL
	opts   Options // resolved; static
	http   *http.Client
	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc
	log    func() *slog.Logger // limited
	wg     sync.WaitGroup

	mu      sync.Mutex
	sockets map[string]*Socket
	conn    *conn // nil while there is none
	leaving bool  // conn is to end, as nobody needs it: nobody joins over it
	running bool  // run is at work
	wsWorks bool  // a WebSocket has connected last
	closed  bool
}

// New makes a client for the server at address, which is http(s)://host[:port],
// or ws(s)://. It does not connect yet: [Socket.Connect] does. The error says
// what is wrong with the address or Options.Transports. [Client.Close] must be
// called in the end.
func New(address string, opts *Options) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, fmt.Errorf("client: %q is no address of a server: write http://host:port or https://host", address)
	}
	switch {
	case u.Host == "":
		return nil, fmt.Errorf("client: %q names no host", address)
	case strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("client: the address has the path %q: a namespace is for Dial or Socket, where the server is mounted for Options.Path", u.Path)
	}
	c := &Client{base: u, opts: opts.resolved(), sockets: map[string]*Socket{}}
	c.log = sync.OnceValue(func() *slog.Logger { return quieter.Logger(c.opts.Logger) })
	for _, t := range c.opts.Transports {
		if t != Polling && t != WebSocket {
			return nil, fmt.Errorf("client: there is no transport %q: there are polling and websocket", t)
		}
	}
	c.http = c.opts.HTTP
	if c.http == nil && slices.Contains(c.opts.Transports, Polling) {
		c.http = &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: c.opts.Dial, TLSClientConfig: c.opts.TLS, MaxIdleConnsPerHost: 2},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c, nil
}

// Dial makes a client and connects to the namespace that the address's path
// names. It waits as [Socket.Connect] does, whose errors it has; if that fails
// the client is closed. Handlers that are registered when it has returned may
// miss what the server sends at once: for these use [New], [Client.Socket], On
// and Connect, in this order. Close it with s.Client().Close().
func Dial(ctx context.Context, address string, opts *Options) (*Socket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	namespace := u.Path
	u.Path, u.RawPath = "", ""
	c, err := New(u.String(), opts)
	if err != nil {
		return nil, err
	}
	s := c.Socket(namespace)
	if err := s.Connect(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, nil
}

// Socket returns the client's socket in a namespace, always the same one; a
// missing slash is added. It is not connected before [Socket.Connect].
func (c *Client) Socket(namespace string) *Socket {
	namespace = "/" + strings.TrimPrefix(namespace, "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sockets[namespace]
	if s == nil {
		s = newSocket(c, namespace)
		c.sockets[namespace] = s
	}
	return s
}

// Transport is what the connection runs on, [Polling] or [WebSocket], and ""
// while there is none.
func (c *Client) Transport() string {
	if conn := c.current(); conn != nil {
		return conn.name()
	}
	return ""
}

// EngineID is the connection's id on the server, "" while there is none. It is
// secret, as who knows it can take the connection over; [Socket.ID] is not.
func (c *Client) EngineID() string {
	if conn := c.current(); conn != nil {
		return conn.open.SID
	}
	return ""
}

func (c *Client) current() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}

// Close leaves all namespaces, closes the connection and waits until nothing of
// the client runs any more, its handlers included: a handler that wants to
// close its own client does so in a goroutine. It can be called again, and
// returns nil.
func (c *Client) Close() error {
	for _, s := range c.list() {
		s.Disconnect()
	}
	c.mu.Lock()
	c.closed = true
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.finish()
	}
	c.cancel(ErrClosed)
	c.wg.Wait()
	if c.opts.HTTP == nil && c.http != nil {
		c.http.CloseIdleConnections()
	}
	return nil
}

func (c *Client) list() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*Socket, 0, len(c.sockets))
	for _, s := range c.sockets {
		list = append(list, s)
	}
	return list
}

// goFunc runs f, which Close waits for. It reports whether it does: not after
// Close.
func (c *Client) goFunc(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Go(f)
	return true
}

// want has the client connect, for a socket that has become active.
func (c *Client) want(s *Socket) error {
	c.mu.Lock()
	conn := c.conn
	start := conn == nil && !c.running
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	if start {
		c.running = true
		c.wg.Go(c.run)
	}
	if c.leaving {
		conn = nil // run makes another
	}
	c.mu.Unlock()
	if conn != nil {
		conn.join(s)
	}
	return nil
}

// anyActive reports whether some socket wants the connection.
func (c *Client) anyActive() bool {
	return slices.ContainsFunc(c.list(), (*Socket).isActive)
}

// idle closes the connection if nobody needs it any more.
func (c *Client) idle() {
	for {
		c.mu.Lock()
		conn := c.conn
		if conn == nil || c.leaving {
			c.mu.Unlock()
			return
		}
		c.leaving = true // before it is asked who needs it: who becomes active later does not join
		c.mu.Unlock()
		if !c.anyActive() {
			c.goFunc(conn.finish)
			return
		}
		c.mu.Lock()
		if c.conn == conn {
			c.leaving = false
		}
		c.mu.Unlock()
		for _, s := range c.list() {
			if s.isActive() {
				conn.join(s) // if it could not do so meanwhile
			}
		}
		if c.anyActive() {
			return
		}
	}
}

// run connects, reads until the end, and connects again.
func (c *Client) run() {
	for attempt := 0; ; {
		left := false // the connection was closed on purpose
		conn, err := c.open()
		if err == nil {
			attempt = 0
			c.mu.Lock()
			c.conn = conn
			c.mu.Unlock()
			for _, s := range c.list() {
				if s.isActive() {
					conn.join(s)
				}
			}
			c.idle() // whoever wanted it may have left
			conn.read()
			c.mu.Lock()
			left = c.leaving
			c.conn, c.leaving = nil, false
			c.mu.Unlock()
			for _, s := range c.list() {
				s.lost(conn.reason, conn.err)
			}
		} else {
			for _, s := range c.list() {
				s.unreachable(err)
			}
		}
		most := c.opts.ReconnectAttempts
		last := !left && (c.opts.NoReconnect || most > 0 && attempt >= most)
		if stop, gives := c.stops(last); stop {
			if err == nil {
				err = ErrDisconnected
			}
			if gives {
				for _, s := range c.list() {
					s.givenUp(err)
				}
			}
			return
		}
		if left {
			continue // somebody wants one again
		}
		attempt++
		pause := time.NewTimer(backoff(&c.opts, attempt))
		select {
		case <-pause.C:
		case <-c.ctx.Done():
			pause.Stop()
		}
	}
}

// stops ends run if it is to end: unless somebody wants the connection, who has
// seen it running. gives: those who want it do not get it.
func (c *Client) stops(last bool) (stop, gives bool) {
	c.mu.Lock()
	c.running = false
	closed := c.closed
	c.mu.Unlock()
	if last || closed || c.ctx.Err() != nil {
		return true, true
	}
	if !c.anyActive() {
		return true, false // whoever becomes active now has another one started
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running || c.closed {
		return true, c.closed // or another one is at work already
	}
	c.running = true
	return false, false
}
