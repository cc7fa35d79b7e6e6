package mesh

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nats"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

const (
	// user is who nodes are for one another.
	user = "mesh"
	// header is what a message may have around its largest values.
	header = 64 << 10
	// pending is how many bytes may wait for a node before it is cut off from its
	// own server, or the others slow down.
	pending = 64 << 20
	// A node is asked whether it is there so often, and cut off after so many
	// questions without an answer: one that was stopped for 20 s has missed nothing.
	pingInterval, pingsOut = 6 * time.Second, 4
	// writeDeadline is how long a node may take nothing.
	writeDeadline = 25 * time.Second
	// mostStored is what the server inside may keep in files.
	mostStored = 4 << 30
	// ready is how long the server may take to begin.
	ready = 10 * time.Second
	// meeting is how long a node that starts waits for others that are there, and
	// glance how often it looks.
	meeting, glance = 3 * time.Second, 5 * time.Millisecond
)

// An Adapter is a node of a mesh. Make one with [New].
type Adapter struct {
	*nats.Adapter
	opts   Options
	server *server.Server
	words  *logger // the server's
}

// New checks the options. An error says what to write.
func New(o Options) (*Adapter, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	so := serverOptions(&o)
	mode := nats.Off
	if o.logs() {
		if strconv.IntSize < 64 {
			return nil, errors.New("mesh: --cluster-dir: nats-server cannot keep a log on a 32-bit system; leave the folder out")
		}
		mode = nats.On
		name, err := o.name()
		if err != nil {
			return nil, err
		}
		so.ServerName, so.JetStream, so.StoreDir, so.JetStreamMaxStore = name, true, filepath.Join(o.Dir, name), mostStored
		so.NoSystemAccount = false // by which those who keep the log agree
	} else if o.Dir != "" {
		quieter.Logger(o.Logger).Info("cluster: a mesh of fewer than three nodes has no log: its folder is not used, and clients come back to other nodes only when theirs is stopped in order", "nodes", o.size())
	}
	s, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("mesh: %w", err)
	}
	a := &Adapter{opts: o, server: s, words: newLogger(quieter.Logger(o.Logger))}
	s.SetLogger(a.words, false, false)
	a.Adapter, err = nats.New(nats.Options{
		Servers: []string{"127.0.0.1:4222"}, User: so.Username, Password: so.Password,
		Dial:   func(context.Context, string, string) (net.Conn, error) { return s.InProcessConn() },
		Local:  true,
		Newest: func() uint64 { return newest(s) },
		Prefix: o.Prefix, Key: o.Key, QueueBytes: o.QueueBytes, MaxMessage: o.MaxMessage, Logger: o.Logger,
		JetStream: mode, Replicas: logged,
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// serverOptions are those of the server inside.
func serverOptions(o *Options) *server.Options {
	host, port, _ := split(o.Listen, 0) // was checked
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if host == "" {
		host = "0.0.0.0"
	}
	so := &server.Options{
		// No route starts where the server listens to no clients (2.15). Nobody else
		// knows the password.
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: random(), Password: random(),
		NoSigs: true, NoSystemAccount: true, DisableShortFirstPing: true,
		ReconnectErrorReports: server.DEFAULT_CONNECT_ERROR_REPORTS,
		MaxPayload:            int32(o.MaxMessage + header), MaxPending: pending,
		Cluster: server.ClusterOpts{
			Name: "sockeye", Host: host, Port: port, Advertise: o.Advertise,
			PoolSize: -1, PingInterval: pingInterval, MaxPingsOut: pingsOut, WriteDeadline: writeDeadline,
		},
	}
	if o.TLS != nil {
		so.Cluster.TLSConfig, so.Cluster.TLSTimeout = o.TLS.Clone(), ready.Seconds()
	}
	var who *url.Userinfo
	if len(o.Secret) > 0 {
		mac := hmac.New(sha256.New, o.Secret)
		mac.Write([]byte("a route of the mesh"))
		password := hex.EncodeToString(mac.Sum(nil))
		so.Cluster.Username, so.Cluster.Password = user, password
		who = url.UserPassword(user, password)
	}
	for _, node := range o.Nodes {
		if node != o.Listen {
			so.Routes = append(so.Routes, &url.URL{Scheme: "nats-route", User: who, Host: node})
		}
	}
	return so
}

// newest is the number of the newest connection to another node.
func newest(s *server.Server) (n uint64) {
	routes, err := s.Routez(nil)
	if err != nil {
		return 0
	}
	for _, r := range routes.Routes {
		n = max(n, r.Rid)
	}
	return n
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Traits says what the backend promises.
func (a *Adapter) Traits() adapter.Traits {
	t := a.Adapter.Traits()
	t.Name = "mesh"
	return t
}

// Start begins to listen for other nodes, and waits until it is connected with
// those of Nodes that are there, for 3 s at most: what these say from then on is
// heard, and the State is not Up before. It fails if it cannot listen.
func (a *Adapter) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	if l, err := net.Listen("tcp", a.opts.Listen); err != nil { // the server would only log it
		return fmt.Errorf("mesh: %w", err)
	} else if err := l.Close(); err != nil {
		return fmt.Errorf("mesh: %w", err)
	}
	if a.opts.logs() {
		if err := os.MkdirAll(a.opts.Dir, 0o700); err != nil {
			return fmt.Errorf("mesh: --cluster-dir: %w", err)
		}
	}
	a.server.Start()
	if !a.server.ReadyForConnections(ready) {
		a.shutdown()
		return fmt.Errorf("mesh: the server inside does not listen at %s", a.opts.Listen)
	}
	a.meet(ctx)
	if err := a.Adapter.Start(ctx, self, in); err != nil {
		a.shutdown()
		return err
	}
	return nil
}

// meet waits for connections with the other nodes, but for those that could not
// be reached at once.
func (a *Adapter) meet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, a.opts.meeting)
	defer cancel()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for a.server.NumRemotes()+int(a.words.unreached.Load()) < a.opts.size()-1 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Addr is where this node waits for others, once it was started.
func (a *Adapter) Addr() net.Addr {
	if addr := a.server.ClusterAddr(); addr != nil {
		return addr
	}
	return nil
}

// Close sends what is queued until ctx ends, and leaves the mesh.
func (a *Adapter) Close(ctx context.Context) error {
	err := a.Adapter.Close(ctx)
	a.shutdown()
	return err
}

func (a *Adapter) shutdown() {
	a.server.Shutdown()
	a.server.WaitForShutdown()
}
