package socketio

import (
	"io/fs"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// EngineOptions are the options of the layer below: transports, heartbeat,
// origins, sizes. The alias spares an import.
type EngineOptions = engineio.Options

// Options configure a [Server]. Nil and the zero value mean the defaults,
// which are Node's except where docs/rough_edges.md says otherwise. A negative
// duration or bound means none. [New] copies the struct; what its fields point
// to must not be changed afterwards. Functions may be called by several
// goroutines at once.
type Options struct {
	// Engine configures the connections. Its Path is "/socket.io/" by default, its
	// Logger the one below.
	Engine EngineOptions

	// Parser turns packets into bytes and back; nil is &JSONParser{}.
	// Clients must use the same.
	Parser Parser

	// ConnectTimeout is how long a connection may last without having joined a
	// namespace; 45 s by default.
	ConnectTimeout time.Duration

	// AckTimeout bounds the wait for an acknowledgement when the context given
	// has no deadline; 30 s by default. Then the error is [ErrAckTimeout].
	AckTimeout time.Duration

	// Recovery lets clients that were cut off come back to their rooms, data
	// and missed events. Nil switches it off.
	Recovery *Recovery

	// MaxSentAttachments is how many binary attachments ([]byte) one event or
	// acknowledgement that is sent may have; 10 by default. Official clients take
	// no more and, as they connect again after the error, would be cut off for
	// ever: Emit returns [ErrTooManyAttachments] instead. Raise it, or set a
	// negative number for no bound, if all clients take more. It is of no concern
	// with MsgpackParser, which needs no attachments.
	MaxSentAttachments int

	// Cluster makes the server one of several that act as one: rooms, broadcasts,
	// acknowledgements, FetchSockets, joins and disconnects reach the sockets of
	// all. It is a backend such as redis.New makes (packages below
	// socketio/adapter), for this server alone: it starts with New and ends with
	// Shutdown or Close. Nil is a server alone, which costs nothing.
	Cluster        adapter.Adapter
	ClusterOptions ClusterOptions

	// KeepEmptyNamespaces keeps the namespaces that OfPattern and OfFunc have
	// made after their last socket has left. By default they are removed.
	KeepEmptyNamespaces bool

	// ShutdownSpread is the time over which Shutdown closes the connections, a
	// few at a time and in no order, so that a fleet's clients do not all come
	// back at once. Those whose turn has not come are served as before. By
	// default all are closed at once.
	ShutdownSpread time.Duration

	// Validate is called with every decoded payload of an Event or Call; its
	// error refuses the payload with code "invalid". In a Gin application
	// binding.Validator.ValidateStruct honours `binding` tags. It gets a pointer to
	// the payload, and only payloads that are structs, or pointers to one. Who
	// makes a Call is told the error's text.
	Validate func(any) error

	// Client holds the browser bundle (socket.io.js and its siblings), served
	// below the path. Nil serves none. ClientVersion is its version, for ETag.
	Client        fs.FS
	ClientVersion string

	// AsyncAPI is a description of the server's events, as cmd/sockeye-events
	// writes it, served below the path as asyncapi.json to whoever asks. It tells
	// outsiders what there is to try, so it is best given in development only. Nil
	// serves none. The server does not look into it, and validates as ever.
	AsyncAPI []byte

	// Limits bound what a client may ask for.
	Limits Limits

	// Dev writes a line to the Logger, at WARN, for an event that nobody handles
	// and for a namespace that there is not, with the names that there are: they
	// are mostly misspelt. It is meant for development; 20 lines a minute are
	// written at most.
	Dev bool

	// Logger takes what happens; nil is slog.Default(). It is limited as
	// EngineOptions.Logger is.
	Logger *slog.Logger

	// Trace is told of every emit and its fate, and of more; nil of nothing. See
	// [Server.Watch] for who comes later.
	Trace *Trace
}

// Recovery configures connection state recovery: a client of protocol 5 (3.x
// and 4.x) that was cut off, and not by either side on purpose, finds its id,
// its rooms and its data again when it comes back, and gets what it missed, but
// for what was volatile or is to be acknowledged. See [Socket.Recovered]. The
// zero value is Node's.
type Recovery struct {
	// MaxDuration is how long a client may be away; 2 minutes by default, and if it
	// is negative: what is kept has an end.
	MaxDuration time.Duration
	// RunMiddleware runs a namespace's middleware for recovered sockets too, before
	// they get what they missed. By default they pass by it.
	RunMiddleware bool
	// MaxPackets and MaxBytes bound the events kept for each namespace; 10,000
	// and 16 MiB by default. An event counts against one of those it was for,
	// who has least by then. When there are too many, the oldest of who has most
	// is given up, and a client for whom it was, and who missed it, is not
	// recovered.
	MaxPackets int
	MaxBytes   int
	// MaxSessions bounds the absent clients remembered for each namespace;
	// 100,000 by default. The oldest of the address that has most make room.
	MaxSessions int
	// NodeOffsets gives clients the offsets of Node's servers with
	// @socket.io/redis-streams-adapter, and stores their sessions for these, so that
	// they come back to them too. Then, as there, a server's own clients get its
	// events only when Redis has them, what is sent with Local cannot be recovered,
	// and clients of a server that was killed start anew on Node's. It is for
	// Options.Cluster on Redis streams, for the time that both kinds of servers are
	// in the cluster, and nothing elsewhere.
	NodeOffsets bool
}

// Limits bound what a client may make the server hold. Zero means the default,
// a negative number no bound.
type Limits struct {
	// Packets bounds attachments, depth, arguments and names; see there.
	Packets PacketLimits
	// AttachmentTimeout is how long the attachments of a packet may take to
	// arrive; 30 s.
	AttachmentTimeout time.Duration
	// MaxUnjoined is how many connections may exist that have not joined a
	// namespace yet; 20,000. When one more comes, the oldest of the address that
	// has most is closed: an IPv4 address, or an IPv6 network of 64 bits, behind
	// Engine.TrustedProxies as they tell it. The same goes for Engine.MaxSessions:
	// those that have joined no namespace make room first.
	MaxUnjoined int
	// MaxNamespaces is how many namespaces one connection may be in; 64. Who asks
	// for one more loses the connection.
	MaxNamespaces int
	// MaxDynamicNamespaces is how many namespaces of patterns and functions may
	// exist; 10,000. When a client asks for one more, an empty one that is kept
	// (see Recovery and KeepEmptyNamespaces) goes. Else, if another address was
	// the first to ask for at least two more than the client's, its youngest goes,
	// with the connections that are in it; their clients come back by themselves.
	// Else the client is refused with code "too_many".
	MaxDynamicNamespaces int
	// MaxRooms is how many rooms one socket may be in; 1,000.
	MaxRooms int
	// MaxAcks is how many acknowledgements one socket may owe; 10,000. One more is
	// not asked for: [ErrTooManyAcks].
	MaxAcks int
	// Inbox is how many events of one socket may wait for its handlers before
	// reading its connection pauses; 128. InboxBytes is their size; 1 MiB.
	Inbox      int
	InboxBytes int
	// EventRate is how many events a second one socket may send on average, and
	// EventBurst how many at once (10 s of EventRate by default). An EventRate of
	// zero is no bound. What is above is dropped, counted and told to OnError
	// ([ErrEventRate]); acknowledgements do not count.
	EventRate  float64
	EventBurst int
}

// resolved fills in the defaults. The caller's Options are not changed.
func (o *Options) resolved() Options {
	var r Options
	if o != nil {
		r = *o
	}
	option.Default(&r.Engine.Path, "/socket.io/")
	if r.Parser == nil {
		r.Parser = new(siowire.JSONParser)
	}
	option.Default(&r.ConnectTimeout, 45*time.Second)
	option.Bound(&r.MaxSentAttachments, 10)
	option.Default(&r.AckTimeout, 30*time.Second)
	r.Logger = quieter.Logger(r.Logger)
	if r.Engine.Logger == nil {
		r.Engine.Logger = r.Logger
	}
	r.Engine = r.Engine.Resolved()
	if r.Recovery != nil {
		rec := *r.Recovery
		option.Positive(&rec.MaxDuration, 2*time.Minute)
		option.Bound(&rec.MaxPackets, 10_000)
		option.Bound(&rec.MaxBytes, 16<<20)
		option.Bound(&rec.MaxSessions, 100_000)
		r.Recovery = &rec
	}
	r.ClusterOptions.resolve()
	l := &r.Limits
	option.Default(&l.AttachmentTimeout, 30*time.Second)
	option.Bound(&l.MaxUnjoined, 20_000)
	option.Bound(&l.MaxNamespaces, 64)
	option.Bound(&l.MaxDynamicNamespaces, 10_000)
	option.Bound(&l.MaxRooms, 1000)
	option.Bound(&l.MaxAcks, 10_000)
	option.Bound(&l.Inbox, 128)
	option.Bound(&l.InboxBytes, 1<<20)
	if l.EventBurst == 0 {
		l.EventBurst = max(1, int(10*l.EventRate))
	}
	return r
}
