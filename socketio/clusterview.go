package socketio

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// view is what other nodes are told of a socket, as Node tells it.
type view struct {
	ID        string   `json:"id"`
	Handshake shake    `json:"handshake"`
	Rooms     []string `json:"rooms"`
	Data      any      `json:"data"`
}

type shake struct {
	Headers map[string]any `json:"headers"`
	Time    string         `json:"time"`
	Address string         `json:"address"`
	XDomain bool           `json:"xdomain"`
	Secure  bool           `json:"secure"`
	Issued  float64        `json:"issued"` // ms since 1970
	URL     string         `json:"url"`
	Query   map[string]any `json:"query"`
	Auth    Raw            `json:"auth"`
}

// jsTime is how JavaScript prints a date in UTC.
const jsTime = "Mon Jan 02 2006 15:04:05 GMT+0000 (Coordinated Universal Time)"

// describe makes views of sockets. Data that cannot be encoded is left out, with
// a line in the log.
func (c *clustered) describe(ns *Namespace, list []*Socket) []any {
	views := make([]any, len(list))
	for i, s := range list {
		h := s.Handshake()
		v := view{ID: s.id, Rooms: s.Rooms(), Data: s.Data(), Handshake: shake{
			Headers: make(map[string]any), Time: h.Time().UTC().Format(jsTime), Address: addressOnly(h.RemoteAddr()), XDomain: h.XDomain(),
			Secure: h.Secure(), Issued: float64(h.Issued()), URL: h.URL(), Query: make(map[string]any), Auth: h.auth,
		}}
		if v.Handshake.Auth.IsZero() {
			v.Handshake.Auth = Raw(siowire.RawJSON([]byte("{}")))
		}
		for k, values := range h.Header() {
			v.Handshake.Headers[strings.ToLower(k)] = strings.Join(values, ", ")
		}
		for k, values := range h.Query() {
			if len(values) == 1 {
				v.Handshake.Query[k] = values[0]
			} else {
				v.Handshake.Query[k] = values
			}
		}
		if _, err := c.list([]any{v.Data}); err != nil {
			c.srv.log.Warn("socketio: data of a socket cannot be told to other nodes", "namespace", ns.name, "error", err)
			v.Data = map[string]any{}
		}
		views[i] = v
	}
	return views
}

// addressOnly is without the port, as Node tells it.
func addressOnly(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// A foreign is a socket of another node, as it was when it was asked for.
type foreign struct {
	ns        *Namespace
	id        string
	rooms     []string
	data      any
	handshake *Handshake
}

var _ peer = (*foreign)(nil)

// remoteSocket reads a view.
func remoteSocket(ns *Namespace, r Raw) (*foreign, bool) {
	var v view
	if err := r.Decode(&v); err != nil || v.ID == "" {
		return nil, false
	}
	h := &v.Handshake
	header := make(http.Header)
	for k, value := range h.Headers {
		switch value := value.(type) {
		case string:
			header.Set(k, value)
		case []any:
			for _, one := range value {
				if s, ok := one.(string); ok {
					header.Add(k, s)
				}
			}
		}
	}
	return &foreign{
		ns: ns, id: v.ID, rooms: v.Rooms, data: v.Data,
		handshake: &Handshake{
			engine: engineio.RemoteHandshake(time.UnixMilli(int64(h.Issued)), h.URL, h.Address, header, h.Secure),
			auth:   h.Auth,
		},
	}, true
}

func (f *foreign) ID() string            { return f.id }
func (f *foreign) Handshake() *Handshake { return f.handshake }
func (f *foreign) Rooms() []string       { return slices.Clone(f.rooms) }

func (f *foreign) Data() map[string]any {
	m, _ := f.data.(map[string]any)
	if m == nil {
		return map[string]any{}
	}
	return maps.Clone(m)
}

// to addresses it, wherever it is now.
func (f *foreign) to() Broadcast { return f.ns.To(f.id) }

func (f *foreign) Emit(event string, args ...any) error { return f.to().Emit(event, args...) }

func (f *foreign) Join(rooms ...string) error {
	f.to().SocketsJoin(rooms...)
	return nil
}

func (f *foreign) Leave(rooms ...string)     { f.to().SocketsLeave(rooms...) }
func (f *foreign) Disconnect(closeConn bool) { f.to().DisconnectSockets(closeConn) }

// ClusterStatus is how a server stands in its cluster.
type ClusterStatus struct {
	Backend   string    // "redis", "nats" and so on
	Node      string    // this node's id
	Connected bool      // to the broker, now
	Joined    bool      // has been connected, or is
	Since     time.Time // when Connected came to be what it is
	Cause     error     // why it is not connected; nil before the first failure
	Nodes     int       // servers, this one included
	Others    []ClusterNode
}

// A ClusterNode is another server, of those that have told who they are.
type ClusterNode struct {
	ID   string
	Name string // "" if it has none
}

// Cluster tells how the server stands in its cluster; ok is false if it is not in
// one. It asks nobody, and answers at once.
func (srv *Server) Cluster() (status ClusterStatus, ok bool) {
	if srv.cluster == nil {
		return status, false
	}
	core := srv.cluster.core
	st := core.State()
	status = ClusterStatus{
		Backend: core.Traits().Name, Node: core.Self().ID, Connected: st.Connection == adapter.Up, Joined: st.Connection != adapter.Connecting, Since: st.At,
		Cause: st.Cause, Nodes: core.Nodes(),
	}
	for _, n := range core.Peers() {
		status.Others = append(status.Others, ClusterNode{n.ID, n.Name})
	}
	return status, true
}

// ClusterStats count what has happened between this node and the others since
// the server has joined; Connected, Nodes, Queued and Questions are how it is
// now. It is a part of [Stats].
type ClusterStats struct {
	Connected  bool
	Nodes      int               // servers, this one included
	Published  uint64            // messages handed to the broker
	Received   uint64            // messages that came from it, all kinds
	Skipped    uint64            // of these, those that were for nobody here
	Queued     int               // bytes that wait for the broker
	Dropped    map[string]uint64 // not sent, as the queue was full or the broker away: by class
	Missed     uint64            // messages of others that never came
	MissedFrom map[string]uint64 // the same, by the ids of those that are there
	Duplicates uint64            // messages that came again, and were dropped
	Malformed  map[string]uint64 // messages that were ignored, by reason
	Late       uint64            // answers that nobody waited for any more
	Questions  int               // that wait for answers
	Forwards   map[string]uint64 // requests for sessions of other nodes, by [ForwardOutcomes]
}

func (c *clustered) stats() *ClusterStats {
	if c == nil {
		return nil
	}
	s := c.core.Stats()
	return &ClusterStats{
		Connected: c.core.State().Connection == adapter.Up, Nodes: s.Nodes,
		Published: s.Adapter.Published, Received: s.Adapter.Received, Skipped: s.Adapter.Skipped, Queued: s.Adapter.Queued,
		Dropped: s.Adapter.Dropped, Missed: s.Missed, MissedFrom: s.MissedFrom, Duplicates: s.Duplicates, Malformed: s.Refused,
		Late: s.Late, Questions: s.Questions, Forwards: c.forward.Counts(),
	}
}

// What happens to a cluster; see [ClusterEvent].
type ClusterEventKind string

const (
	ClusterConnection ClusterEventKind = "connection"  // Connected, Cause
	ClusterNodeJoined ClusterEventKind = "node joined" // Node, Name
	ClusterNodeLeft   ClusterEventKind = "node left"   // Node, Name, Why: "goodbye" or "silent"
	ClusterMissed     ClusterEventKind = "missed"      // Node, Namespace, N messages of it never came
	ClusterRefused    ClusterEventKind = "refused"     // Why: a message was ignored
	ClusterForward    ClusterEventKind = "forward"     // Node, Name, Why: one of [ForwardOutcomes]
)

// A ClusterEvent tells [Trace] what has happened; which fields beside Kind are
// set is said at its kind.
type ClusterEvent struct {
	Kind      ClusterEventKind
	Node      string // another node's id
	Name      string
	Namespace string
	N         uint64
	Why       string
	Connected bool
	Cause     error
}
