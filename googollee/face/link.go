package face

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// link is one client's connection, which its namespaces share. It lets the
// functions of an application in one at a time, as go-socket.io does.
type link struct {
	session socketio.Conn
	begun   sync.Once // ConnInitor has been called

	turn sync.Mutex // held while a function of the application runs

	mu      sync.Mutex
	conns   map[string]*Conn // by namespace
	context any
}

// run calls f when no other function of this connection runs.
func (l *link) run(f func()) {
	l.turn.Lock()
	defer l.turn.Unlock()
	f()
}

// links are the links in use.
type links struct {
	mu   sync.Mutex
	open map[socketio.Conn]*link
}

// enter is the link of c's connection, which c takes its place in until leave.
func (ls *links) enter(c *Conn) *link {
	session := c.socket.Conn()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.open[session]
	if l == nil {
		l = &link{session: session, conns: make(map[string]*Conn, 1)}
		if ls.open == nil {
			ls.open = make(map[socketio.Conn]*link)
		}
		ls.open[session] = l
	}
	l.mu.Lock()
	l.conns[c.Namespace()] = c
	l.mu.Unlock()
	return l
}

func (ls *links) leave(c *Conn) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[c.Namespace()] == c {
		delete(l.conns, c.Namespace())
	}
	if len(l.conns) == 0 && ls.open[l.session] == l {
		delete(ls.open, l.session)
	}
}

func (ls *links) of(session socketio.Conn) *link {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.open[session]
}

func (l *link) in(namespace string) *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[namespace]
}

func (l *link) URL() url.URL {
	u, err := url.Parse(l.session.Handshake().URL())
	if err != nil {
		return url.URL{}
	}
	return *u
}

func (l *link) LocalAddr() net.Addr {
	h := l.session.Handshake()
	if a, ok := h.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		return a
	}
	return addr("")
}

func (l *link) RemoteAddr() net.Addr {
	remote := l.session.Handshake().RemoteAddr()
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return addr(remote)
}

func (l *link) RemoteHeader() http.Header { return l.session.Handshake().Header() }

// addr is an address that is no IP address with a port.
type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

// Session is a connection before it has joined a namespace, for ConnInitor.
type Session struct{ link *link }

// ID is the id of the Engine.IO session. It is a secret: never log it whole.
func (s Session) ID() string { return s.link.session.ID() }

// Close sends what is queued and closes the connection.
func (s Session) Close() error {
	s.link.session.Close(engineio.ForcedServerClose)
	return nil
}

// URL is the handshake's.
func (s Session) URL() url.URL { return s.link.URL() }

// LocalAddr is the server's side of the connection that brought the handshake.
func (s Session) LocalAddr() net.Addr { return s.link.LocalAddr() }

// RemoteAddr is the client's side of the connection that brought the handshake.
func (s Session) RemoteAddr() net.Addr { return s.link.RemoteAddr() }

// RemoteHeader is the handshake's.
func (s Session) RemoteHeader() http.Header { return s.link.RemoteHeader() }

// SetContext stores what the root namespace's Conn.Context answers at first.
func (s Session) SetContext(v any) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.context = v
}

// Context is what SetContext stored.
func (s Session) Context() any {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	return s.link.context
}
