package nats

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const usage = "nats://[USER:PASSWORD@ or TOKEN@]HOST:PORT[,HOST:PORT…], or tls:// with ?ca=FILE&cert=FILE&key=FILE, either with ?creds=FILE, and for the log jetstream=auto|on|off, replicas=1|3, storage=file|memory, maxage=10m, maxbytes=N"

// ParseURL makes options from
//
//	nats://[user:password@ or token@]host[:port][,host[:port]…][?creds=FILE]
//	tls://…[?ca=FILE&cert=FILE&key=FILE&creds=FILE]
//
// and, for the log that JetStream keeps, jetstream=auto (the default), on or off,
// and where it is not off replicas=1 or 3 (or 5), storage=file or memory, maxage=
// such as 10m, and maxbytes=.
//
// The port is 4222 unless it is told. ca holds the certificates to trust instead
// of the system's; cert and key are this node's own; creds is a file made by nsc.
// In user, password and token what has a meaning in URLs is written as %XX. An
// error says what to write, and holds nothing of what may be a secret.
func ParseURL(text string) (Options, error) {
	var o Options
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "nats" && scheme != "tls" {
		return o, errors.New("nats: the URL begins with neither nats:// nor tls://: write " + usage)
	}
	authority, query, _ := strings.Cut(rest, "?")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 && strings.Contains(rest[end:], "@") {
		return o, errors.New("nats: in the user's name, the password and the token write / as %2F, ? as %3F, # as %23 and @ as %40")
	}
	authority = strings.TrimSuffix(authority, "/")
	if strings.ContainsAny(authority, "/#") {
		return o, errors.New("nats: something follows the servers that is no parameter: write " + usage)
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if err := o.user(authority[:at]); err != nil {
			return o, err
		}
		authority = authority[at+1:]
	}
	for i, address := range strings.Split(authority, ",") {
		host, port := address, "4222"
		if h, p, err := net.SplitHostPort(address); err == nil {
			host, port = h, p
		} else {
			host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, " \t\r\n\"%[]") ||
			strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return o, fmt.Errorf("nats: server %d is no HOST:PORT: write %s", i+1, usage)
		}
		o.Servers = append(o.Servers, net.JoinHostPort(host, port))
	}
	return o, o.parameters(scheme, query)
}

// user reads what stands before the @.
func (o *Options) user(text string) error {
	name, password, both := strings.Cut(text, ":")
	name, err1 := url.PathUnescape(name)
	password, err2 := url.PathUnescape(password)
	if err1 != nil || err2 != nil {
		return errors.New("nats: in the user's name, the password and the token write % as %25")
	}
	if !both {
		o.Token = name
	} else {
		o.User, o.Password = name, password
	}
	if name == "" {
		return errors.New("nats: nobody stands before the @: write " + usage)
	}
	return nil
}

func (o *Options) parameters(scheme, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("nats: the parameters are not written as a URL's: write " + usage)
	}
	files := map[string]string{}
	for name, list := range values {
		switch name {
		case "jetstream", "replicas", "storage", "maxage", "maxbytes":
			if err := o.logParameter(name, list); err != nil {
				return err
			}
		case "ca", "cert", "key", "creds":
			if len(list) > 1 {
				return fmt.Errorf("nats: %s is there %d times: write it once", name, len(list))
			}
			if list[0] == "" {
				return fmt.Errorf("nats: %s is empty: write %s=FILE", name, name)
			}
			if scheme == "nats" && name != "creds" {
				return fmt.Errorf("nats: %s is for encrypted connections: write tls:// instead of nats://", name)
			}
			files[name] = list[0]
		default:
			return fmt.Errorf("nats: unknown parameter %q: write creds, jetstream, replicas, storage, maxage or maxbytes, and with tls:// ca, cert or key", name)
		}
	}
	if o.JetStream == Off {
		for _, name := range []string{"replicas", "storage", "maxage", "maxbytes"} {
			if values.Has(name) {
				return fmt.Errorf("nats: %s is for the log, and jetstream=off: write one of them", name)
			}
		}
	}
	o.Credentials = files["creds"]
	if scheme == "nats" {
		return nil
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := files["ca"]; ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return fmt.Errorf("nats: ca: %w", err)
		}
		o.TLS.RootCAs = x509.NewCertPool()
		if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("nats: ca: %s holds no certificate in PEM", ca)
		}
	}
	switch cert, key := files["cert"], files["key"]; {
	case cert == "" && key == "":
	case cert == "" || key == "":
		return errors.New("nats: one of cert and key is missing: write cert=FILE&key=FILE")
	default:
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("nats: cert and key: %w", err)
		}
		o.TLS.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// logParameter reads one of the parameters of the log.
func (o *Options) logParameter(name string, list []string) error {
	if len(list) > 1 {
		return fmt.Errorf("nats: %s is there %d times: write it once", name, len(list))
	}
	text := list[0]
	switch name {
	case "jetstream":
		modes := map[string]JetStream{"auto": Auto, "on": On, "off": Off}
		mode, ok := modes[text]
		if !ok {
			return errors.New("nats: jetstream is auto, on or off: write jetstream=auto")
		}
		o.JetStream = mode
	case "storage":
		if text != "file" && text != "memory" {
			return errors.New("nats: storage is file or memory: write storage=file")
		}
		o.Memory = text == "memory"
	case "replicas":
		if text != "1" && text != "3" && text != "5" {
			return errors.New("nats: replicas is 1, 3 or 5: write replicas=3 for a NATS cluster of three servers")
		}
		o.Replicas = int(text[0] - '0')
	case "maxage":
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Second {
			return errors.New("nats: maxage is how long the log keeps what was said, a second or more: write maxage=10m")
		}
		o.MaxAge = d
	case "maxbytes":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1<<20 {
			return errors.New("nats: maxbytes is how large the log becomes, 1048576 or more: write maxbytes=536870912")
		}
		o.MaxBytes = n
	}
	return nil
}
