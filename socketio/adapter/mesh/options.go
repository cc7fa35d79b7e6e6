package mesh

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
)

// DefaultMaxMessage is how large a message may be where nothing else is said.
const DefaultMaxMessage = 16 << 20

// Options of an [Adapter]. [ParseURL] makes them from a URL; Listen and Secret
// are said beside it.
type Options struct {
	// Nodes are the addresses, host:port, of nodes; this one may be among them.
	Nodes []string

	// Listen is the address, host:port, at which this node waits for others.
	Listen string

	// Advertise is the address, host:port, that others are told to find this node
	// at; default is where it listens.
	Advertise string

	// Secret is what all nodes know. There must be one unless Listen and Nodes are
	// on the loopback interface.
	Secret []byte

	// TLS, if not nil, encrypts what the nodes tell one another. It is used on both
	// sides: with Certificates, RootCAs and ClientCAs.
	TLS *tls.Config

	// Dir, if not empty, is a folder where the nodes of a mesh of three or more keep a
	// log, each in a folder of its own below it, so that clients come back to any
	// node, also when theirs was killed. All nodes have one. A mesh of fewer nodes has
	// no log.
	Dir string

	// Prefix, Key, QueueBytes, and MaxMessage (default 16 MiB, at most about 64
	// MiB) are those of [nats.Options].
	Prefix     string
	Key        []byte
	QueueBytes int
	MaxMessage int

	// Logger is where trouble is told, with a limit; default slog.Default().
	Logger *slog.Logger

	meeting time.Duration // how long Start waits for the others
}

const usage = "mesh://HOST:PORT[,HOST:PORT…][?ca=FILE&cert=FILE&key=FILE]"

// largest is how large a message may be made: a NATS server takes no larger one.
const largest = 64<<20 - header

func (o *Options) setDefaults() error {
	option.Default(&o.MaxMessage, DefaultMaxMessage)
	option.Default(&o.meeting, meeting)
	if len(o.Nodes) == 0 {
		return errors.New("mesh: no node: write " + usage)
	}
	if o.Listen == "" {
		return errors.New("mesh: no address to wait for other nodes at: write --cluster-listen HOST:PORT")
	}
	if o.MaxMessage < 0 || o.MaxMessage > largest {
		return fmt.Errorf("mesh: messages of %d bytes: write at most %d, or 0 for 16 MiB", o.MaxMessage, largest)
	}
	if _, _, err := split(o.Listen, 0); err != nil {
		return errors.New("mesh: the address to wait for other nodes at is none: write --cluster-listen HOST:PORT")
	}
	if o.Advertise != "" {
		if _, _, err := split(o.Advertise, 1); err != nil {
			return errors.New("mesh: the address to be found at is none: write HOST:PORT")
		}
	}
	for i, node := range o.Nodes {
		if host, _, err := split(node, 1); err != nil || host == "" {
			return fmt.Errorf("mesh: node %d is no HOST:PORT: write %s", i+1, usage)
		}
	}
	if o.Dir != "" {
		if info, err := os.Stat(o.Dir); err == nil && !info.IsDir() {
			return fmt.Errorf("mesh: %s is no folder: write --cluster-dir FOLDER", o.Dir)
		}
	}
	if len(o.Secret) == 0 {
		for _, address := range append([]string{o.Listen}, o.Nodes...) {
			if !loopback(address) {
				return fmt.Errorf("mesh: %s is not on the loopback interface, so there must be a secret that all nodes know: write --cluster-secret-file FILE, made by: openssl rand -hex 32", address)
			}
		}
	}
	return nil
}

// logged is how many nodes a mesh has at least whose nodes keep a log: more than
// half of those that keep it must be there.
const logged = 3

// logs reports whether there is a log.
func (o *Options) logs() bool { return o.Dir != "" && o.size() >= logged }

// size is how many nodes are named. One that listens at all addresses is taken to
// be among Nodes.
func (o *Options) size() int {
	all := make(map[string]bool)
	for _, node := range o.Nodes {
		all[node] = true
	}
	if host, _, err := net.SplitHostPort(o.Listen); err == nil && !anywhere(host) && o.Advertise == "" {
		all[o.Listen] = true
	}
	return len(all)
}

func anywhere(host string) bool { return host == "" || net.ParseIP(host).IsUnspecified() }

// name is this node's, and of its part of the log: the same after a restart.
func (o *Options) name() (string, error) {
	address := o.Advertise
	if address == "" {
		host, port, err := net.SplitHostPort(o.Listen)
		if err != nil {
			return "", err
		}
		if anywhere(host) {
			if host, err = os.Hostname(); err != nil {
				return "", fmt.Errorf("mesh: this machine has no name, by which its part of the log is known: write --cluster-listen HOST:PORT with the host's: %w", err)
			}
		}
		address = net.JoinHostPort(host, port)
	}
	sum := sha256.Sum256([]byte(address))
	return "node-" + hex.EncodeToString(sum[:8]), nil
}

// split splits an address whose port is at least least.
func split(address string, least int) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || int(n) < least || strings.ContainsAny(host, " \t\r\n\"%[]/@") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", 0, errors.New("no address")
	}
	return host, int(n), nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// ParseURL makes options from
//
//	mesh://host:port[,host:port…][?ca=FILE&cert=FILE&key=FILE]
//
// ca holds the certificates that others' are signed by, cert and key are this
// node's own: all three, or none for connections that are not encrypted. An
// error says what to write, and holds nothing of what may be a secret.
func ParseURL(text string) (Options, error) {
	var o Options
	rest, ok := strings.CutPrefix(text, "mesh://")
	if !ok {
		return o, errors.New("mesh: the URL does not begin with mesh://: write " + usage)
	}
	if strings.Contains(rest, "@") {
		return o, errors.New("mesh: there are no users: write what all nodes know to a file, and --cluster-secret-file FILE")
	}
	nodes, query, _ := strings.Cut(rest, "?")
	nodes = strings.TrimSuffix(nodes, "/")
	if nodes == "" {
		return o, errors.New("mesh: no node: write " + usage)
	}
	for i, node := range strings.Split(nodes, ",") {
		if host, _, err := split(node, 1); err != nil || host == "" {
			return o, fmt.Errorf("mesh: node %d is no HOST:PORT: write %s", i+1, usage)
		}
		o.Nodes = append(o.Nodes, node)
	}
	return o, o.parameters(query)
}

func (o *Options) parameters(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("mesh: the parameters are not written as a URL's: write " + usage)
	}
	files := map[string]string{}
	for name, list := range values {
		switch {
		case name != "ca" && name != "cert" && name != "key":
			return fmt.Errorf("mesh: unknown parameter %q: write ca, cert and key, or none", name)
		case len(list) > 1:
			return fmt.Errorf("mesh: %s is there %d times: write it once", name, len(list))
		case list[0] == "":
			return fmt.Errorf("mesh: %s is empty: write %s=FILE", name, name)
		}
		files[name] = list[0]
	}
	switch len(files) {
	case 0:
		return nil
	case 3:
	default:
		return errors.New("mesh: some of ca, cert and key are missing: write ca=FILE&cert=FILE&key=FILE")
	}
	pem, err := os.ReadFile(files["ca"])
	if err != nil {
		return fmt.Errorf("mesh: ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("mesh: ca: %s holds no certificate in PEM", files["ca"])
	}
	pair, err := tls.LoadX509KeyPair(files["cert"], files["key"])
	if err != nil {
		return fmt.Errorf("mesh: cert and key: %w", err)
	}
	o.TLS = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	return nil
}

// ReadSecret reads what all nodes know from a file, without white space around
// it.
func ReadSecret(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("mesh: secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return nil, fmt.Errorf("mesh: %s is empty: fill it with openssl rand -hex 32", file)
	}
	return []byte(secret), nil
}
