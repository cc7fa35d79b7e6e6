package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio"
)

// An Identity is who a token stands for.
type Identity struct {
	// User names the user, by something that stays the same: the key of a
	// database, say.
	User string `json:"user"`
	// Expires is when the token ends; the zero Time is never.
	Expires time.Time `json:"expires,omitzero"`
}

// Options of a [Guard]. Only Verify is needed. Zero is the default; a negative
// Warn asks nobody, and a negative MaxWrong bounds nothing.
type Options struct {
	// Verify says who a token stands for. token is "" if the client brought none:
	// then ctx, which has the values of the handshake's request, may tell who it
	// is; see ginio.Identity. An error refuses the client: the text of a
	// *socketio.Error reaches it, of any other it learns nothing. It is called
	// when a client connects, for each new token, and when one comes back by
	// recovery, for several sockets at once; it may block until ctx ends.
	Verify func(ctx context.Context, s *socketio.Socket, token string) (Identity, error)
	// Warn is how long before its token ends a client is asked for a new one; 1
	// minute. Where a token lasts less than twice as long, it is half its time.
	Warn time.Duration
	// MaxWrong is how many wrong tokens a connected client may send until it is
	// disconnected; 5.
	MaxWrong int
}

// A Guard lets sockets into namespaces, and ends them. One can protect several,
// also of several servers. All methods may be called from any goroutine.
type Guard struct {
	opts Options

	mu      sync.Mutex
	watches map[*socketio.Socket]*watch
	guarded []*socketio.Namespace
	servers map[*socketio.Server]bool
}

// New makes a Guard. It panics without Verify.
func New(o Options) *Guard {
	if o.Verify == nil {
		panic("auth: Options.Verify is missing")
	}
	option.Default(&o.Warn, time.Minute)
	option.Bound(&o.MaxWrong, 5)
	return &Guard{opts: o, watches: make(map[*socketio.Socket]*watch), servers: make(map[*socketio.Server]bool)}
}

// ended is what auth:ended carries.
type ended struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// left is how long a token lasts, in milliseconds; none if it does not end.
type left struct {
	In int64 `json:"in,omitempty"`
}

const (
	expiring socketio.Event[left]        = "auth:expiring"
	refresh  socketio.Call[string, left] = "auth:refresh"
	over     socketio.Event[ended]       = "auth:ended"
)

// key is where a socket's identity is kept: FetchSockets shows it, and recovery
// brings it back.
const key socketio.Key[Identity] = "auth"

// Of tells who is behind a socket, in a middleware after [Guard.Protect] too;
// ok is false if no Guard has let it in.
func Of(s *socketio.Socket) (id Identity, ok bool) { return key.Get(s) }

// Room is the room that all sockets of a user are in, on all nodes:
// srv.To(auth.Room("user-7")) reaches them in one namespace.
func Room(user string) string { return "user:" + user }

// Protect lets only those into a namespace whom Options.Verify knows, and keeps
// an eye on their tokens. ns may be a parent (OfPattern, OfFunc). It comes before
// the namespace's own middleware and OnConnect, which find [Of] answered, and
// after Server.JoinCluster.
//
// Where Options.Recovery is set, clients come back to their state past the
// middleware; they are verified, too, but have been sent what they missed by
// then. Recovery.RunMiddleware verifies them first.
func (g *Guard) Protect(ns *socketio.Namespace) {
	g.mu.Lock()
	g.guarded = append(g.guarded, ns)
	known := g.servers[ns.Server()]
	g.servers[ns.Server()] = true
	g.mu.Unlock()
	if !known {
		g.listen(ns.Server())
	}
	ns.Use(func(ctx context.Context, s *socketio.Socket) error { return g.enter(ctx, s) })
	ns.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		if g.find(s) == nil { // recovered, past the middleware
			if err := g.enter(ctx, s); err != nil {
				g.end(s, ended{"unauthorized", err.Error()}, false)
				return
			}
		}
		g.find(s).begin()
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { g.forget(s) })
	refresh.On(ns, func(ctx context.Context, s *socketio.Socket, token string) (left, error) {
		w := g.find(s)
		if w == nil {
			return left{}, errUnauthorized
		}
		return w.renew(ctx, token)
	})
}

var errUnauthorized = socketio.Errorf("unauthorized", "please sign in")

// enter verifies a client that wants in, or is in by recovery.
func (g *Guard) enter(ctx context.Context, s *socketio.Socket) error {
	var brought struct {
		Token string `json:"token"`
	}
	if err := s.Handshake().DecodeAuth(&brought); err != nil {
		return socketio.Errorf("unauthorized", "auth must be {token: string}")
	}
	if brought.Token == "" {
		scheme, token, _ := strings.Cut(s.Handshake().Header().Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			brought.Token = strings.TrimSpace(token)
		}
	}
	id, err := g.verify(ctx, s, brought.Token)
	if err != nil {
		return err
	}
	key.Set(s, id)
	if id.User != "" {
		if err := s.Join(Room(id.User)); err != nil {
			return err
		}
	}
	w := &watch{guard: g, socket: s, id: id}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watches[s] = w
	context.AfterFunc(s.Context(), func() { g.forget(s) }) // also if it is not let in after all
	return nil
}

// verify asks the application. What the client may read is an *socketio.Error.
func (g *Guard) verify(ctx context.Context, s *socketio.Socket, token string) (Identity, error) {
	id, err := g.opts.Verify(ctx, s, token)
	var told *socketio.Error
	switch {
	case errors.As(err, &told):
		return id, told
	case err != nil:
		s.Server().Logger().Debug("auth: not verified", "error", err, "client", s.Conn().Network().String())
		return id, errUnauthorized
	case !id.Expires.IsZero() && time.Until(id.Expires) <= 0:
		return id, socketio.Errorf("expired", "the token has ended")
	}
	return id, nil
}

func (g *Guard) find(s *socketio.Socket) *watch {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.watches[s]
}

func (g *Guard) forget(s *socketio.Socket) {
	g.mu.Lock()
	w := g.watches[s]
	delete(g.watches, s)
	g.mu.Unlock()
	if w != nil {
		w.stop()
	}
}

// end tells a client why, and disconnects it.
func (g *Guard) end(s *socketio.Socket, why ended, connection bool) {
	_ = over.Emit(s, why) // who is gone needs not be told
	s.Server().Logger().Info("auth: socket ended", "why", why.Code, "client", s.Conn().Network().String())
	s.Disconnect(connection)
}
