package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// DefaultPrefix begins all subjects where nothing else is said.
const DefaultPrefix = "socket.io"

// DefaultMaxMessage is how large a message may be where nothing else is said, if
// the server takes as much.
const DefaultMaxMessage = 16 << 20

// Options of an [Adapter]. [ParseURL] makes them from a URL.
type Options struct {
	// Servers are the addresses, host:port, of one NATS server or of several of a
	// NATS cluster, of which any will do.
	Servers []string

	// TLS, if not nil, encrypts the connection. ServerName is the server's unless
	// it is set.
	TLS *tls.Config

	User, Password string // or
	Token          string // or
	Credentials    string // a file made by nsc

	// Prefix begins all subjects; default "socket.io". Two prefixes are two
	// clusters that never hear each other.
	Prefix string

	// Key, if not empty, authenticates messages: nodes with another one, or
	// without one, are not heard. All nodes have the same.
	Key []byte

	// Name is what NATS calls the connection; default "sockeye".
	Name string

	// QueueBytes is how much may wait to be sent; default 16 MiB, negative is an
	// error. When it is full messages are dropped, see [adapter.Class].
	QueueBytes int

	// MaxMessage is how many bytes a message may have, sent or received; default
	// 16 MiB. A NATS server takes 1 MiB unless it has a larger max_payload: what is
	// larger than that is refused too.
	MaxMessage int

	// JetStream says whether the server's JetStream keeps what clients may come back
	// for to any node; see the package's documentation.
	JetStream JetStream
	// Replicas is how many servers of a NATS cluster keep the streams: 1, the
	// default, to 5. Memory keeps them in memory only.
	Replicas int
	Memory   bool
	// MaxAge is how long the log keeps what was said; default 10 minutes, at least
	// a second. MaxBytes is how large it becomes, and what is kept of clients;
	// default 512 MiB, at least 1 MiB. Both are of the streams that are made: one
	// that is there stays as it is.
	MaxAge   time.Duration
	MaxBytes int64

	// Dial, if not nil, makes the connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Local tells that the server is in this process: nobody asks whether it is
	// still there.
	Local bool

	// Newest, if not nil, numbers the newest server that the one connected to
	// reaches. When the number grows, State tells Up again, so that the nodes behind
	// it hear of this one. It must not block.
	Newest func() uint64

	// Logger is where trouble is told, with a limit; default slog.Default().
	Logger *slog.Logger

	silence, lost time.Duration // after which a connection is doubtful, or given up
	logHope       time.Duration
}

func (o *Options) setDefaults() error {
	option.Default(&o.Prefix, DefaultPrefix)
	option.Default(&o.Name, "sockeye")
	option.Default(&o.QueueBytes, outbox.DefaultLimit)
	option.Default(&o.MaxMessage, DefaultMaxMessage)
	option.Default(&o.Replicas, 1)
	option.Default(&o.MaxAge, DefaultMaxAge)
	option.Default(&o.MaxBytes, DefaultMaxBytes)
	option.Default(&o.silence, silence)
	option.Default(&o.lost, lost)
	option.Default(&o.logHope, logHope)
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if len(o.Servers) == 0 {
		return errors.New("nats: no server: write nats://HOST:PORT")
	}
	ways := 0
	for _, has := range []bool{o.User != "" || o.Password != "", o.Token != "", o.Credentials != ""} {
		if has {
			ways++
		}
	}
	switch {
	case ways > 1:
		return errors.New("nats: more than one of user, token and credentials: write one")
	case o.QueueBytes < 0:
		return errors.New("nats: QueueBytes is negative: write how many bytes may wait, or 0 for 16 MiB")
	case o.MaxMessage < 0:
		return errors.New("nats: MaxMessage is negative: write how many bytes a message may have, or 0 for 16 MiB")
	case o.JetStream > Off:
		return errors.New("nats: there is no such JetStream: write Auto, On or Off")
	case o.Replicas < 1 || o.Replicas > 5:
		return fmt.Errorf("nats: %d replicas: write 1, or 3 or 5 in a NATS cluster of as many servers", o.Replicas)
	case o.MaxAge < time.Second:
		return fmt.Errorf("nats: a log that keeps what was said for %v: write a second or more", o.MaxAge)
	case o.MaxBytes < 1<<20:
		return fmt.Errorf("nats: a log of %d bytes: write 1048576 or more", o.MaxBytes)
	case len(o.Prefix) > 128:
		return fmt.Errorf("nats: a prefix of %d bytes: write one of at most 128", len(o.Prefix))
	}
	if o.Credentials != "" {
		if _, err := os.Stat(o.Credentials); err != nil {
			return fmt.Errorf("nats: credentials: %w", err)
		}
	}
	return nil
}

// authenticate adds how this node proves who it is.
func (o *Options) authenticate(to *nats.Options) error {
	to.User, to.Password, to.Token = o.User, o.Password, o.Token
	if o.Credentials != "" {
		return nats.UserCredentials(o.Credentials)(to)
	}
	return nil
}

// serverName is the host of an address, for TLS.
func serverName(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return strings.TrimSuffix(host, ".")
}
