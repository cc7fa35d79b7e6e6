package byurl

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/mesh"
	"github.com/sockeye-io/sockeye/socketio/adapter/nats"
	"github.com/sockeye-io/sockeye/socketio/adapter/postgres"
	"github.com/sockeye-io/sockeye/socketio/adapter/redis"
)

// Options are what a URL does not say.
type Options struct {
	// Prefix begins all channels, subjects and keys; "" is each backend's default.
	// Two prefixes on one broker are two clusters that never hear each other.
	Prefix string

	// Key, if not empty, authenticates the messages of backends with our own
	// format: NATS and mesh. Node's formats cannot be signed: with a key they are
	// refused.
	Key []byte

	// Listen is the address, host:port, at which a node of a mesh waits for others,
	// Secret what they all know; see [mesh.Options]. They are refused elsewhere.
	Listen string
	Secret []byte

	// Dir is where the nodes of a mesh keep a log; see [mesh.Options]. It is refused
	// elsewhere.
	Dir string

	// Name is what the broker calls this node's connection, where it can.
	Name string

	// QueueBytes bounds what waits for the broker; 0 is 16 MiB, negative is an
	// error.
	QueueBytes int

	// Logger is told of trouble, with a limit; nil is slog.Default().
	Logger *slog.Logger
}

// A backend is what one or several schemes stand for.
type backend struct {
	schemes []string
	form    string // what to write, for errors
	signed  bool   // its messages can be authenticated
	open    func(url string, o *Options) (adapter.Adapter, error)
}

var backends = []backend{
	{[]string{"redis", "rediss", "redis+unix"}, "redis://HOST:PORT", false, openRedis},
	{[]string{"redis+streams", "rediss+streams"}, "redis+streams://HOST:PORT", false, openRedis},
	{[]string{"redis+sharded", "rediss+sharded"}, "redis+sharded://HOST:PORT", false, openRedis},
	{[]string{"postgres", "postgresql"}, "postgres://USER@HOST:PORT/DATABASE", false, openPostgres},
	{[]string{"nats", "tls"}, "nats://HOST:PORT", true, openNATS},
	{[]string{meshScheme}, "mesh://HOST:PORT,HOST:PORT", true, openMesh},
}

const meshScheme = "mesh"

// New makes the adapter that a URL names, for socketio.Options.Cluster or
// emitter.New, and does not connect yet. An error says what to write, in one
// line, and holds no password.
func New(url string, o Options) (adapter.Adapter, error) {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok || strings.ContainsFunc(scheme, notOfScheme) {
		return nil, errors.New("cluster: that is no URL of a backend: write " + forms())
	}
	i := slices.IndexFunc(backends, func(b backend) bool { return slices.Contains(b.schemes, scheme) })
	if i < 0 {
		return nil, fmt.Errorf("cluster: there is no backend %.20s://: write %s", scheme, forms())
	}
	b := &backends[i]
	switch {
	case o.QueueBytes < 0:
		return nil, errors.New("cluster: the size of the queue is negative: write bytes, or 0 for 16 MiB")
	case len(o.Key) > 0 && !b.signed:
		return nil, fmt.Errorf("cluster: there is a key, and the format of %s:// is Node's, which is not signed: leave the key out, or write %s", scheme, formsOf(true))
	case scheme != meshScheme && o.Dir != "":
		return nil, fmt.Errorf("cluster: there is a folder for a log, and %s:// has a broker for that: leave it out, or write mesh:// with three nodes or more", scheme)
	case scheme != meshScheme && (o.Listen != "" || len(o.Secret) > 0):
		return nil, fmt.Errorf("cluster: there is an address to listen at, or a secret, and %s:// has a broker for that: leave them out, or write mesh://HOST:PORT,HOST:PORT", scheme)
	}
	return b.open(url, &o)
}

// notOfScheme reports what no scheme holds: it may be part of a password.
func notOfScheme(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.'
}

// forms lists what can be written.
func forms() string { return formsOf(false) }

func formsOf(signed bool) string {
	var list []string
	for _, b := range backends {
		if b.signed || !signed {
			list = append(list, b.form)
		}
	}
	last := len(list) - 1
	if last == 0 {
		return list[0]
	}
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

func openRedis(url string, o *Options) (adapter.Adapter, error) {
	return redis.FromURL(url, redis.Options{Prefix: o.Prefix, QueueBytes: o.QueueBytes, Logger: o.Logger})
}

func openPostgres(url string, o *Options) (adapter.Adapter, error) {
	return made(postgres.New(postgres.Options{URL: url, Prefix: o.Prefix, QueueBytes: o.QueueBytes, Logger: o.Logger}))
}

func openNATS(url string, o *Options) (adapter.Adapter, error) {
	opts, err := nats.ParseURL(url)
	if err != nil {
		return nil, err
	}
	opts.Prefix, opts.Key, opts.Name, opts.QueueBytes, opts.Logger = o.Prefix, o.Key, o.Name, o.QueueBytes, o.Logger
	return made(nats.New(opts))
}

func openMesh(url string, o *Options) (adapter.Adapter, error) {
	opts, err := mesh.ParseURL(url)
	if err != nil {
		return nil, err
	}
	opts.Listen, opts.Secret, opts.Dir = o.Listen, o.Secret, o.Dir
	opts.Prefix, opts.Key, opts.QueueBytes, opts.Logger = o.Prefix, o.Key, o.QueueBytes, o.Logger
	return made(mesh.New(opts))
}

// made keeps a nil pointer from being an adapter.
func made[A adapter.Adapter](a A, err error) (adapter.Adapter, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}
