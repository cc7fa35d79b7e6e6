package redis

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// Options of an adapter. Only Addrs is needed.
type Options struct {
	// Addrs are host:port of the server, of Sentinels, or, for [NewSharded], of some
	// servers of a Redis Cluster; or one path of a unix socket, which begins with a
	// slash. Without a port 6379, or 26379 for Sentinels, is meant.
	Addrs []string

	Username, Password string
	DB                 int // selected after connecting; Pub/Sub knows no databases

	// Sentinel is the name of the master that the Sentinels at Addrs watch. Empty:
	// Addrs is one server.
	Sentinel                           string
	SentinelUsername, SentinelPassword string

	// TLS, if not nil, is spoken with servers and Sentinels. An empty ServerName
	// is replaced by the host.
	TLS *tls.Config

	// Prefix begins all channels and names the stream, as the option key of Node's
	// classic adapter and streamName of its streams adapter do; "" is "socket.io".
	// Clusters with different prefixes do not hear one another.
	Prefix string

	// QueueBytes bounds what waits for the server, in bytes; 0 is 16 MiB, negative
	// is an error. What a full queue gives up is said at [adapter.Class].
	QueueBytes int

	// MaxMessage is the size in bytes of the largest message that is sent or
	// taken; 0 is 16 MiB, negative is an error. None that is sent is larger than
	// the queue: [adapter.ErrTooLarge].
	MaxMessage int

	// Streams is how many streams there are, for [NewStreams]; 0 is 1, and 1,024
	// are the most. It must be the same on all nodes. With more than one there is
	// no [adapter.Log].
	Streams int

	// MaxLen is about how many entries a stream keeps, for [NewStreams]; 0 is
	// 10,000, negative keeps all.
	MaxLen int

	// Subscribe is which rooms have a channel of their own, for [NewSharded]:
	// SubscribeDynamic ("" is that) all but those of sessions,
	// SubscribeDynamicPrivate all, SubscribeStatic none. It must be the same on all
	// nodes, and that of Node's subscriptionMode.
	Subscribe string

	// Logger is told what the server refuses; nil is slog.Default(). Of each kind
	// of line one a second is written.
	Logger *slog.Logger

	via func(addr string) string // what stands before a server, in tests
}

const (
	defaultPrefix     = "socket.io"
	defaultMaxMessage = 16 << 20
	defaultMaxLen     = 10_000
	maxStreams        = 1024
)

// A format is which of Node's adapters is spoken with.
type format byte

const (
	formatClassic format = iota
	formatStreams
	formatSharded
)

// prepare fills in defaults, and tells what is wrong in words that say what to
// write.
func (o Options) prepare(f format) (Options, error) {
	o.Addrs = append([]string(nil), o.Addrs...)
	switch {
	case len(o.Addrs) == 0:
		return o, errors.New("redis: there is no address: write the server's as host:port")
	case len(o.Addrs) > 1 && o.Sentinel == "" && f != formatSharded:
		return o, errors.New("redis: there are several addresses: write one, or with Sentinels the master's name, as in ?sentinel=mymaster")
	case o.DB < 0:
		return o, fmt.Errorf("redis: there is no database %d: write 0 or more", o.DB)
	case o.QueueBytes < 0 || o.MaxMessage < 0:
		return o, errors.New("redis: a size is negative: write bytes, or 0 for 16 MiB")
	case f != formatStreams && (o.Streams != 0 || o.MaxLen != 0):
		return o, errors.New("redis: there are no streams but with redis+streams://: write that, or leave streams and maxlen out")
	case f != formatSharded && o.Subscribe != "":
		return o, errors.New("redis: rooms have channels of their own only with redis+sharded://: write that, or leave subscribe out")
	case f == formatSharded && o.DB != 0:
		return o, errors.New("redis: sharded Pub/Sub knows no databases: leave the number out")
	case o.Subscribe != "" && o.Subscribe != SubscribeDynamic && o.Subscribe != SubscribeDynamicPrivate && o.Subscribe != SubscribeStatic:
		return o, fmt.Errorf("redis: subscribe=%.40q: write %s, %s or %s", o.Subscribe, SubscribeDynamic, SubscribeDynamicPrivate, SubscribeStatic)
	case o.Streams < 0 || o.Streams > maxStreams:
		return o, fmt.Errorf("redis: %d streams: write a number from 1 to %d", o.Streams, maxStreams)
	case o.Sentinel == "" && (o.SentinelUsername != "" || o.SentinelPassword != ""):
		return o, errors.New("redis: there is a user or password for Sentinels, and no Sentinel: write the master's name, as in ?sentinel=mymaster")
	case o.Username != "" && o.Password == "" || o.SentinelUsername != "" && o.SentinelPassword == "":
		return o, errors.New("redis: there is a user without a password: write user:password@ before the address")
	case strings.ContainsAny(o.Prefix, "\r\n\x00"):
		return o, errors.New("redis: the prefix holds a line break: write plain text")
	}
	port := "6379"
	if o.Sentinel != "" {
		port = "26379"
	}
	for i, addr := range o.Addrs {
		whole, err := withPort(addr, port)
		if err != nil {
			return o, err
		}
		if o.Addrs[i] = whole; strings.HasPrefix(whole, "/") && (o.Sentinel != "" || o.TLS != nil) {
			return o, errors.New("redis: a unix socket has neither Sentinels nor TLS: write host:port")
		}
	}
	o.Prefix = cmp.Or(o.Prefix, defaultPrefix)
	o.QueueBytes = cmp.Or(o.QueueBytes, outbox.DefaultLimit)
	o.MaxMessage = cmp.Or(o.MaxMessage, defaultMaxMessage)
	o.Streams = cmp.Or(o.Streams, 1)
	o.MaxLen = cmp.Or(o.MaxLen, defaultMaxLen)
	o.Subscribe = cmp.Or(o.Subscribe, SubscribeDynamic)
	return o, nil
}

// withPort checks an address and adds the port if it has none.
func withPort(addr, port string) (string, error) {
	if strings.HasPrefix(addr, "/") {
		return addr, nil
	}
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		host, p = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]"), port
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("redis: %q is no address: write host:port", addr)
		}
	}
	if n, err := strconv.Atoi(p); host == "" || err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("redis: %q is no address: write host:port, as in 127.0.0.1:6379", addr)
	}
	return net.JoinHostPort(host, p), nil
}

// New returns an adapter that speaks the format of Node's classic adapter:
// ordered, at most once, and without a subscription for each namespace's
// broadcasts. It fails if the options contradict one another; it does not
// connect.
func New(o Options) (*Adapter, error) {
	o, err := o.prepare(formatClassic)
	if err != nil {
		return nil, err
	}
	return newAdapter(o, newClassic), nil
}

var _ adapter.Counter = (*Adapter)(nil)
