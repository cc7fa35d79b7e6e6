package adminui

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/gate"
	"github.com/sockeye-io/sockeye/socketio"
)

// Options configure the Admin UI's side of a server.
type Options struct {
	// Credential is USER:HASH, with the bcrypt hash of a password. There is no
	// Admin UI without.
	Credential string
	// ReadOnly switches off all that changes something.
	ReadOnly bool
	// Development tells the page of every socket and event as they come, and not of
	// numbers only. It costs: every event is told of once more, up to 200 a second.
	Development bool
	// Name is the server's id on the page; the host's name by default.
	Name string
}

const (
	every     = 2 * time.Second // the numbers, as Node's
	sessions  = 24 * time.Hour  // a login
	maxLogins = 1000
	maxTold   = 1000 // sockets of one node that a page is told of when it comes
	patience  = 2 * time.Second
	perSecond = 200 // events of one node
)

// A UI serves the namespace /admin, until Close.
type UI struct {
	opts    Options
	io      *socketio.Server
	ns      *socketio.Namespace
	log     *slog.Logger
	gate    *gate.Gate
	started time.Time
	asking  chan struct{}

	looked atomic.Int64 // until when somebody looks, on any node; ms since 1970
	last   socketio.Stats

	stop chan struct{}
	over sync.WaitGroup

	mu     sync.Mutex
	logins map[[sha256.Size]byte]time.Time // until when they hold
	watch  func()                          // ends the watching; nil while nobody looks
	second int64
	n      int                       // events of that second
	polls  map[*socketio.Socket]bool // whose change of transport is to be told
	data   map[*socketio.Socket]bool // whose data has changed since the last time
}

// New makes the namespace /admin of io, until Close. It comes after
// [socketio.Server.JoinCluster], if that is called. There must be a credential:
// the error says what is wrong with it, and then there is no namespace.
func New(io *socketio.Server, o *Options) (*UI, error) {
	if o == nil {
		o = &Options{}
	}
	u := &UI{opts: *o, io: io, log: io.Logger(), started: time.Now(), asking: make(chan struct{}, 4), stop: make(chan struct{}), logins: make(map[[sha256.Size]byte]time.Time)}
	var err error
	if u.gate, err = gate.New(o.Credential, u.log); err != nil {
		return nil, err // before there is a namespace that anybody could join
	}
	u.ns = io.Of("/admin")
	if u.opts.Name == "" {
		u.opts.Name, _ = os.Hostname()
	}
	if err := errors.Join(
		u.ns.OnServerSide("sockeye:admin login", u.answerLogin),
		u.ns.OnServerSide("sockeye:admin keep", u.keepLogin),
		u.ns.OnServerSide("sockeye:admin looks", func(context.Context, *socketio.Request) error {
			u.looks()
			return nil
		}),
		u.ns.OnServerSide("sockeye:admin sockets", func(_ context.Context, r *socketio.Request) error {
			u.looks() // what happens from now on is told, too
			return r.Ack(u.sockets())
		}),
	); err != nil && !errors.Is(err, socketio.ErrNoCluster) {
		return nil, err
	}
	u.ns.Use(u.letIn)
	u.ns.OnConnect(u.welcome)
	u.commands()
	if o.Development {
		u.listen()
	}
	u.last = io.Stats()
	u.over.Go(u.run)
	return u, nil
}

// Close ends what goes on in the background, and waits for that. The namespace
// lets nobody in any more. It can be called again.
func (u *UI) Close() {
	u.mu.Lock()
	select {
	case <-u.stop:
	default:
		close(u.stop)
	}
	u.mu.Unlock()
	u.over.Wait()
}

var errCredentials = socketio.Errorf("invalid_credentials", "invalid credentials")

// letIn is the middleware. A password is exchanged for a login that the page
// keeps.
func (u *UI) letIn(ctx context.Context, s *socketio.Socket) error {
	select {
	case <-u.stop:
		return errCredentials
	default:
	}
	auth := s.Handshake().Auth()
	if id, ok := auth["sessionId"].(string); ok && len(id) >= 16 && len(id) <= 64 {
		if u.left(id) > 0 || u.elsewhere(ctx, id) {
			return nil
		}
	}
	user, _ := auth["username"].(string)
	password, _ := auth["password"].(string)
	if user == "" && password == "" {
		return errCredentials // a login that is over: the page asks for the password
	}
	if err := u.gate.Check(s.Handshake().RemoteAddr(), user, password); err != nil {
		return errCredentials
	}
	return s.Emit("session", u.login())
}

// login makes a login, which all nodes keep: it holds on each of them, and
// survives the end of this one.
func (u *UI) login() string {
	var b [8]byte
	rand.Read(b[:])
	id := hex.EncodeToString(b[:])
	key, until := sha256.Sum256([]byte(id)), time.Now().Add(sessions)
	u.keep(key, until)
	_ = u.ns.ServerSideEmit("sockeye:admin keep", hex.EncodeToString(key[:]), sessions.Milliseconds()) // who has missed it asks
	return id
}

// keep keeps a login, of which it has a digest only.
func (u *UI) keep(key [sha256.Size]byte, until time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.logins) >= maxLogins {
		now := time.Now()
		maps.DeleteFunc(u.logins, func(_ [sha256.Size]byte, until time.Time) bool { return now.After(until) })
	}
	if len(u.logins) >= maxLogins {
		clear(u.logins) // all type their password again
	}
	u.logins[key] = until
}

// keepLogin keeps another node's.
func (u *UI) keepLogin(_ context.Context, r *socketio.Request) error {
	var text string
	var left int64 // ms
	if err := r.Scan(&text, &left); err != nil {
		return err
	}
	var key [sha256.Size]byte
	if n, err := hex.Decode(key[:], []byte(text[:min(len(text), 2*len(key))])); err != nil || n != len(key) {
		return errors.New("a login's digest is of another length")
	}
	u.keep(key, time.Now().Add(min(time.Duration(left)*time.Millisecond, sessions)))
	return nil
}

// left is how long a login of this node holds.
func (u *UI) left(id string) time.Duration {
	key := sha256.Sum256([]byte(id))
	u.mu.Lock()
	defer u.mu.Unlock()
	left := time.Until(u.logins[key])
	if left <= 0 {
		delete(u.logins, key)
		return 0
	}
	return left
}

// elsewhere asks the other nodes, a few at a time: this one may have just begun.
func (u *UI) elsewhere(ctx context.Context, id string) bool {
	if _, ok := u.io.Cluster(); !ok {
		return false
	}
	select {
	case u.asking <- struct{}{}:
		defer func() { <-u.asking }()
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers, _ := u.ns.ServerSideEmitWithAck(ctx, "sockeye:admin login", id) // those that came
	for _, a := range answers {
		var left int64
		if a.Scan(&left) == nil && left > 0 {
			u.keep(sha256.Sum256([]byte(id)), time.Now().Add(min(time.Duration(left)*time.Millisecond, sessions)))
			return true
		}
	}
	return false
}

func (u *UI) answerLogin(_ context.Context, r *socketio.Request) error {
	var id string
	if err := r.Scan(&id); err != nil {
		return err
	}
	return r.Ack(u.left(id).Milliseconds())
}

// welcome tells a page what it may do, and in development who is there.
func (u *UI) welcome(ctx context.Context, s *socketio.Socket) {
	features := []string{}
	if !u.opts.ReadOnly {
		features = append(features, "EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT")
	}
	features = append(features, "AGGREGATED_EVENTS")
	if u.opts.Development {
		features = append(features, "ALL_EVENTS")
	}
	u.looks()
	_ = s.Emit("config", map[string]any{"supportedFeatures": features}) // it fails with the socket
	if !u.opts.Development {
		return
	}
	all := []any{}
	for _, one := range u.sockets() {
		all = append(all, one)
	}
	if _, ok := u.io.Cluster(); ok {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		answers, _ := u.ns.ServerSideEmitWithAck(ctx, "sockeye:admin sockets") // those that came
		for _, a := range answers {
			var list []any
			if a.Scan(&list) == nil {
				all = append(all, list...)
			}
		}
	}
	_ = s.Emit("all_sockets", all)
}
