package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// FromURL makes an adapter of a URL:
//
//	redis://[user:password@]host[:port][/db]                 New
//	redis+streams://host[:port][/db][?streams=N&maxlen=N]    NewStreams
//	redis://host[:port],host[:port]/[db]?sentinel=NAME       the master NAME of these Sentinels
//	redis+sharded://host[:port][,host[:port]][?subscribe=S]  NewSharded
//	redis+unix:///path/to/socket[?db=N]                      New
//
// and rediss instead of redis with TLS. With sentinel there may be sentinel_user
// and sentinel_password. What the URL says replaces what o says. An error says
// what to write, and never holds a password.
func FromURL(raw string, o Options) (adapter.Adapter, error) {
	f, err := o.parse(raw)
	if err != nil {
		return nil, err
	}
	switch f {
	case formatStreams:
		return made(NewStreams(o))
	case formatSharded:
		return made(NewSharded(o))
	}
	return made(New(o))
}

// made keeps a nil pointer from being an adapter.
func made[A adapter.Adapter](a A, err error) (adapter.Adapter, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}

// parse fills in what the URL says. The URL is taken apart here, since net/url
// takes one host and tells all of what it does not understand.
func (o *Options) parse(raw string) (f format, err error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return 0, errors.New("redis: that is no URL: write redis://host:port")
	}
	unix := false
	switch scheme {
	case "redis", "rediss":
	case "redis+streams", "rediss+streams":
		f = formatStreams
	case "redis+sharded", "rediss+sharded":
		f = formatSharded
	case "redis+unix":
		unix = true
	default:
		return 0, fmt.Errorf("redis: %q is no scheme of Redis: write redis://, redis+streams:// or redis+sharded://, each with rediss for TLS, or redis+unix://", scheme)
	}
	if strings.HasPrefix(scheme, "rediss") {
		if o.TLS == nil {
			o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	} else {
		o.TLS = nil
	}
	if strings.Contains(rest, "#") {
		return 0, errors.New("redis: the URL holds a #: write %23 if it belongs to the password")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, password, has := strings.Cut(rest[:at], ":")
		rest = rest[at+1:]
		if o.Username, err = url.PathUnescape(user); err == nil {
			o.Password, err = url.PathUnescape(password)
		}
		if err != nil {
			return 0, errors.New("redis: the user or the password holds a % that is no escape: write %25")
		}
		if !has && user != "" {
			return 0, errors.New("redis: there is a user without a password: write user:password@, or :password@ without a user")
		}
	}
	hosts, path, _ := strings.Cut(rest, "/")
	if unix {
		if hosts != "" || path == "" {
			return 0, errors.New("redis: a unix socket has a path and no host: write redis+unix:///path/to/socket")
		}
		o.Addrs, path = []string{"/" + path}, ""
	} else if o.Addrs = strings.Split(hosts, ","); hosts == "" {
		return 0, fmt.Errorf("redis: the URL has no host: write %s://host:port", scheme)
	}
	db, err := o.parameters(query)
	if err != nil {
		return 0, err
	}
	if path != "" && db != "" {
		return 0, errors.New("redis: the URL names the database twice: write /db or ?db=, not both")
	}
	if path += db; path != "" {
		if o.DB, err = strconv.Atoi(path); err != nil || o.DB < 0 {
			return 0, errors.New("redis: what follows the host is no database: write its number, as in redis://host:6379/2")
		}
	}
	return f, nil
}

// parameters takes those of the URL, and returns that for the database.
func (o *Options) parameters(query string) (db string, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New("redis: what follows the ? is no list of parameters: write name=value, with & between")
	}
	for name, all := range values {
		if len(all) > 1 {
			return "", fmt.Errorf("redis: the parameter %q is there twice: write it once", name)
		}
		switch value := all[0]; name {
		case "db":
			if db = value; db == "" {
				return "", errors.New("redis: the parameter db is empty: write a number")
			}
		case "sentinel":
			if o.Sentinel = value; value == "" {
				return "", errors.New("redis: the parameter sentinel is empty: write the master's name, as in ?sentinel=mymaster")
			}
		case "sentinel_user":
			o.SentinelUsername = value
		case "sentinel_password":
			o.SentinelPassword = value
		case "streams":
			if o.Streams, err = strconv.Atoi(value); err != nil || o.Streams < 1 {
				return "", fmt.Errorf("redis: streams=%q: write a number from 1 to %d", value, maxStreams)
			}
		case "subscribe":
			if o.Subscribe = value; value == "" {
				return "", errors.New("redis: the parameter subscribe is empty: write dynamic, dynamic-private or static")
			}
		case "maxlen":
			if o.MaxLen, err = strconv.Atoi(value); err != nil || o.MaxLen < 1 {
				return "", fmt.Errorf("redis: maxlen=%q: write how many entries a stream keeps, as in maxlen=10000", value)
			}
		default:
			return "", fmt.Errorf("redis: there is no parameter %q: write sentinel, sentinel_user, sentinel_password, db, streams, maxlen or subscribe", name)
		}
	}
	return db, nil
}
