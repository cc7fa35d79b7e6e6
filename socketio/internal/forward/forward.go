package forward

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// Outcomes are what becomes of requests that are passed on, or say that they
// were: a word for metrics, and what it means.
var Outcomes = tally.List[string]{
	{"passed", "another node has answered"},
	{"spliced", "a WebSocket was joined to another node's"},
	{"canceled", "the client went away meanwhile"},
	{"unreachable", "the node could not be reached, or ended meanwhile"},
	{"refused", "the node did not believe the signature"},
	{"full", "too many are under way"},
	{"unset", "an address or the secret is missing, or is not the same"},
	{"served", "one that came from another node"},
	{"forged", "one that says so and is not signed, or not any more"},
	{"loop", "one whose session is not here either"},
}

// TagLen is how many characters of an id are the tag of its node.
const TagLen = 4

// Tag is a node's tag. Two nodes may have the same.
func Tag(node string) string {
	sum := sha256.Sum256([]byte(node))
	return base64.RawURLEncoding.EncodeToString(sum[:3])
}

// A Node is another server.
type Node struct {
	ID, Name string
	Address  string // as Forwarder.Address of that node has made it; empty: it has none
}

// label is what people call a node.
func label(n Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.ID
}

// Config says how requests are passed on.
type Config struct {
	Self      Node   // this one; its Address is not looked at
	Advertise string // where others reach it, see CheckAddress; empty: nowhere
	Secret    []byte // what all nodes know; empty: nothing is passed on, nor believed
	TLS       *tls.Config
	Max       int // that may be under way

	BodyTimeout  time.Duration // for the body of a POST to come; negative: none
	WriteTimeout time.Duration // for the client to take what has come; negative: none

	Log  *slog.Logger
	Tell func(outcome string, n Node) // n is empty if it is not known; must not block
}

// A Forwarder is one node's part in it.
type Forwarder struct {
	cfg    Config
	tag    string
	macs   sync.Pool // of *signer
	counts *tally.Counts[string]
	places *peers.Table[ending]
	joined sync.WaitGroup // the WebSockets: no http.Server waits for them
	ctx    context.Context
	end    context.CancelFunc
	poller atomic.Pointer[netpoll.Poller] // nil: nothing is relayed
	stops  atomic.Bool                    // nothing is relayed any more

	mu     sync.Mutex
	closed bool
	byTag  map[string]*Target
	byID   map[string]*peer
	logged map[string]time.Time
}

// A peer is a node that is there, until ctx ends.
type peer struct {
	Node
	base  *url.URL // nil: it cannot be reached
	why   string   // then
	links *links
	wires *wires
	ctx   context.Context
	end   context.CancelFunc
}

// CheckAddress looks whether others may be told to reach a node there: an URL
// of scheme, host and port, or the latter two. It returns the URL.
func CheckAddress(text string) (*url.URL, error) {
	full := text
	if !strings.Contains(text, "://") {
		full = "http://" + text
	}
	u, err := url.Parse(full)
	const write = "write http://HOST:PORT, as in http://10.0.0.1:3000"
	switch {
	case err != nil:
		return nil, errors.New("that is no address: " + write)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%s:// is not spoken here: %s", clip.Text(u.Scheme), write)
	case u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it has more than a host and a port: " + write)
	case u.Hostname() == "" || u.Port() == "":
		return nil, errors.New("the host or the port is missing: " + write)
	}
	if n, err := strconv.Atoi(u.Port()); err != nil || n < 1 || n > 65535 {
		return nil, errors.New("a port is a number from 1 to 65535: " + write)
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		return nil, errors.New("that is where to listen, and nobody's address: " + write)
	}
	if len(full) > 256 {
		return nil, errors.New("it is longer than 256 bytes: " + write)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// New makes a Forwarder that knows no node yet.
func New(cfg Config) *Forwarder {
	f := &Forwarder{
		cfg: cfg, tag: Tag(cfg.Self.ID), counts: tally.New(Outcomes), places: peers.NewTable[ending](cfg.Max),
		byTag: make(map[string]*Target), byID: make(map[string]*peer), logged: make(map[string]time.Time),
	}
	key := deriveKey(cfg.Secret)
	f.macs.New = func() any { return &signer{Hash: hmac.New(sha256.New, key)} }
	f.ctx, f.end = context.WithCancel(context.Background())
	return f
}

// Tag is this node's.
func (f *Forwarder) Tag() string { return f.tag }

// Counts are the outcomes so far.
func (f *Forwarder) Counts() map[string]uint64 { return f.counts.All() }

func (f *Forwarder) count(outcome string, n Node) {
	f.counts.Add(outcome)
	if f.cfg.Tell != nil {
		f.cfg.Tell(outcome, n)
	}
}

// Nodes tells which other nodes there are now. What is under way to others
// ends.
func (f *Forwarder) Nodes(list []Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	gone := f.byID
	f.byID, f.byTag = make(map[string]*peer, len(list)), make(map[string]*Target, len(list))
	for _, n := range list {
		p := gone[n.ID]
		if p == nil || p.Node != n {
			p = f.newPeer(n)
		} else {
			delete(gone, n.ID)
		}
		f.byID[n.ID] = p
		t := f.byTag[Tag(n.ID)]
		if t == nil {
			t = new(Target)
			f.byTag[Tag(n.ID)] = t
		}
		t.peers = append(t.peers, p)
	}
	for _, p := range gone {
		p.end()
	}
}

func (f *Forwarder) newPeer(n Node) *peer {
	p := &peer{Node: n}
	p.ctx, p.end = context.WithCancel(f.ctx)
	switch {
	case len(f.cfg.Secret) == 0:
		p.why = "this node has no secret: give all nodes the same (--cluster-secret-file, ClusterOptions.Secret), and an address (--cluster-advertise, ClusterOptions.Advertise)"
	case n.Address == "":
		p.why = "that node tells no address: give it one (--cluster-advertise, ClusterOptions.Advertise)"
	default:
		if p.base = f.addressOf(n); p.base == nil {
			p.why = "that node's address is not signed with this node's secret: give all nodes the same (--cluster-secret-file, ClusterOptions.Secret)"
		}
	}
	if p.base == nil {
		return p
	}
	to := &reach{addr: p.base.Host}
	if p.base.Scheme == "https" {
		to.tls = new(tls.Config)
		if c := f.cfg.TLS; c != nil {
			to.tls = c.Clone()
		}
		to.tls.NextProtos = nil // it is HTTP/1.1 that is spoken
		if to.tls.ServerName == "" {
			to.tls.ServerName = p.base.Hostname()
		}
	}
	p.links, p.wires = &links{to: to}, &wires{to: to, all: make(map[*wire]struct{})}
	context.AfterFunc(p.ctx, func() {
		p.links.close()
		p.wires.close()
	})
	return p
}

// A Target is whose session a request is for. It does not change.
type Target struct{ peers []*peer }

// Find says whose session has this id, if it is another node's that is there;
// nil if not. It is asked about sessions that are not here.
func (f *Forwarder) Find(sid string) *Target {
	if len(sid) <= TagLen {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byTag[sid[len(sid)-TagLen:]]
}

// Mine reports whether the id could be one of this node's.
func (f *Forwarder) Mine(sid string) bool { return strings.HasSuffix(sid, f.tag) }

// complain writes one line a minute about each thing.
func (f *Forwarder) complain(what, about string, attrs ...any) {
	now := time.Now()
	k := what + "\x00" + about
	f.mu.Lock()
	last, was := f.logged[k]
	quiet := was && now.Sub(last) < time.Minute
	if !quiet {
		if len(f.logged) >= 1000 {
			clear(f.logged) // nobody has so many nodes that are wrong
		}
		f.logged[k] = now
	}
	f.mu.Unlock()
	if !quiet {
		f.cfg.Log.Warn("socketio: "+what, attrs...)
	}
}

// Close ends what is under way.
func (f *Forwarder) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.end()
	f.joined.Wait() // whose connections are closed by that
}
