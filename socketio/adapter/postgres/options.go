package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// Options of an adapter. Only URL is needed.
type Options struct {
	// URL says where the server is, and who asks:
	//
	//	postgres://user[:password]@host[:port][,host[:port]…]/database[?sslmode=…]
	//
	// Parameters are sslmode, sslrootcert, sslcert, sslkey, target_session_attrs
	// and application_name, as in libpq, and host for the folder of a unix socket.
	// Of several hosts the one that takes writes is used. What the URL leaves out
	// is taken from the environment, as libpq does.
	URL string

	// Prefix begins all channels, as the option channelPrefix of Node's adapter
	// does; "" is "socket.io". Clusters with different prefixes do not hear one
	// another. It has at most 40 bytes.
	Prefix string

	// QueueBytes bounds what waits for the server, in bytes; 0 is 16 MiB, negative
	// is an error. What a full queue gives up is said at [adapter.Class].
	QueueBytes int

	// MaxMessage is the size in bytes of the largest message that is sent or
	// taken; 0 is 16 MiB, negative is an error. None that is sent is larger than
	// the queue: [adapter.ErrTooLarge].
	MaxMessage int

	// Logger is told what the server refuses; nil is slog.Default(). Of each kind
	// of line one a second is written.
	Logger *slog.Logger
}

const (
	defaultPrefix     = "socket.io"
	defaultMaxMessage = 16 << 20
	maxPrefix         = 40
)

// parameters are those that a URL may have.
var parameters = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "application_name", "host"}

// prepare fills in defaults, and tells what is wrong in words that say what to
// write and hold no password.
func (o Options) prepare() (Options, *pgconn.Config, error) {
	switch {
	case o.QueueBytes < 0 || o.MaxMessage < 0:
		return o, nil, errors.New("postgres: a size is negative: write bytes, or 0 for 16 MiB")
	case len(o.Prefix) > maxPrefix:
		return o, nil, fmt.Errorf("postgres: the prefix has %d bytes, and a channel's name no more than 63: write at most %d", len(o.Prefix), maxPrefix)
	case strings.ContainsRune(o.Prefix, 0):
		return o, nil, errors.New("postgres: the prefix holds a NUL: write plain text")
	}
	o.Prefix = cmp.Or(o.Prefix, defaultPrefix)
	o.QueueBytes = cmp.Or(o.QueueBytes, outbox.DefaultLimit)
	o.MaxMessage = cmp.Or(o.MaxMessage, defaultMaxMessage)
	config, err := parse(o.URL)
	return o, config, err
}

// parse reads a URL. The user and the password never reach anything whose errors
// we do not write.
func parse(raw string) (*pgconn.Config, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, errors.New("postgres: that is no URL: write postgres://user@host:port/database")
	}
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, fmt.Errorf("postgres: %.20q is no scheme of PostgreSQL: write postgres://", scheme)
	}
	if strings.Contains(rest, "#") {
		return nil, errors.New("postgres: the URL holds a #: write %23 if it belongs to the password")
	}
	rest, query, _ := strings.Cut(rest, "?")
	var user, password string
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		name, secret, _ := strings.Cut(rest[:at], ":")
		rest = rest[at+1:]
		var err1, err2 error
		user, err1 = url.PathUnescape(name)
		password, err2 = url.PathUnescape(secret)
		if errors.Join(err1, err2) != nil {
			return nil, errors.New("postgres: the user or the password holds a % that is no escape: write %25")
		}
	}
	hosts, database, _ := strings.Cut(rest, "/")
	values, err := settings(query)
	if err != nil {
		return nil, err
	}
	switch folder := values.Get("host"); {
	case hosts == "" && folder == "":
		return nil, errors.New("postgres: the URL has no host: write postgres://user@host:port/database")
	case hosts != "" && folder != "":
		return nil, errors.New("postgres: the URL names the host twice: write it before the database, or ?host= with the folder of a unix socket")
	case folder != "" && !strings.HasPrefix(folder, "/"):
		return nil, errors.New("postgres: the parameter host is no folder: write that of a unix socket, as in ?host=/var/run/postgresql")
	case strings.Contains(database, "/"):
		return nil, errors.New("postgres: the URL has more than one path: write the database's name, with %2F for a slash")
	}
	if strings.Contains(hosts, ",") && values.Get("target_session_attrs") == "" {
		values.Set("target_session_attrs", "read-write")
	}
	config, err := pgconn.ParseConfig((&url.URL{Scheme: "postgres", Host: hosts, Path: "/"}).String() + database + "?" + values.Encode())
	if err != nil {
		return nil, fmt.Errorf("postgres: what follows the user is not understood: %w", reason(err))
	}
	if user != "" {
		config.User, config.Password = user, password
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "sockeye"
	}
	return config, nil
}

// reason is what an error wraps, without the whole URL.
func reason(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// settings are the parameters of a URL.
func settings(query string) (url.Values, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("postgres: what follows the ? is no list of parameters: write name=value, with & between")
	}
	for name, all := range values {
		switch {
		case !slices.Contains(parameters, name):
			return nil, fmt.Errorf("postgres: there is no parameter %.40q: write %s or %s", name,
				strings.Join(parameters[:len(parameters)-1], ", "), parameters[len(parameters)-1])
		case len(all) > 1:
			return nil, fmt.Errorf("postgres: the parameter %q is there twice: write it once", name)
		case all[0] == "":
			return nil, fmt.Errorf("postgres: the parameter %q is empty: write a value, or leave it out", name)
		}
	}
	return values, nil
}
