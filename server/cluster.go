package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/byurl"
	"github.com/sockeye-io/sockeye/socketio/adapter/mesh"
)

// ClusterConfig says which cluster the program is part of.
type ClusterConfig struct {
	URL        string // of a backend, see package byurl; "" is none
	Prefix     string // of all channels
	Name       string // what other nodes call this one
	KeyFile    string // what signs the messages of our own formats
	Listen     string // where a node of a mesh waits for others
	SecretFile string // what all nodes know
	Dir        string // where the nodes of a mesh keep a log
	Advertise  string // where other nodes reach this one over HTTP
	Required   bool   // not ready without the broker
}

// meshURL begins the URL of the one backend that has a secret of its own.
const meshURL = "mesh://"

// leastKey is how many bytes a key has at least.
const leastKey = 16

var clusterOptions = []option{
	{"cluster", "URL", "SOCKEYE_CLUSTER", "be one of several servers, connected by redis://HOST:PORT,\nredis+streams://HOST:PORT, redis+sharded://HOST:PORT,\npostgres://USER@HOST:PORT/DATABASE, nats://HOST:PORT or, without\na broker, mesh://HOST:PORT,HOST:PORT", func(c *Config, text string) error {
		c.Cluster.URL = text
		return nil
	}},
	{"cluster-prefix", "NAME", "SOCKEYE_CLUSTER_PREFIX", "begins all channels of the cluster (default socket.io); two prefixes\non one broker are two clusters", func(c *Config, text string) error {
		if len(text) > 128 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return errors.New("a prefix is a word of at most 128 bytes")
		}
		c.Cluster.Prefix = text
		return nil
	}},
	{"cluster-name", "NAME", "SOCKEYE_CLUSTER_NAME", "what other nodes call this one in their logs (default: its id)", func(c *Config, text string) error {
		if len(text) > 128 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("a name is at most 128 bytes of text on one line")
		}
		c.Cluster.Name = text
		return nil
	}},
	{"cluster-required", "", "SOCKEYE_CLUSTER_REQUIRED", "not ready while the broker is away (otherwise only at the start, for\n5 s: a lost broker would take every node out of the balancer)", func(c *Config, text string) (err error) {
		c.Cluster.Required, err = onOff(text)
		return err
	}},
	{"cluster-key", "FILE", "SOCKEYE_CLUSTER_KEY", "what signs the messages between nodes (nats:// and mesh://), the\nsame for all: openssl rand -hex 32 >FILE", func(c *Config, text string) error {
		c.Cluster.KeyFile = text
		return nil
	}},
	{"cluster-listen", "ADDR", "SOCKEYE_CLUSTER_LISTEN", "HOST:PORT where this node of a mesh waits for the others", func(c *Config, text string) error {
		if _, _, err := net.SplitHostPort(text); err != nil {
			return errors.New("an address is HOST:PORT, such as 10.0.0.1:7000, or :7000 for all addresses")
		}
		c.Cluster.Listen = text
		return nil
	}},
	{"cluster-secret-file", "FILE", "SOCKEYE_CLUSTER_SECRET_FILE", "what all nodes know, the same on each: for --cluster-advertise, and\nfor a mesh beyond this machine: openssl rand -hex 32 >FILE", func(c *Config, text string) error {
		c.Cluster.SecretFile = text
		return nil
	}},
	{"cluster-dir", "DIR", "SOCKEYE_CLUSTER_DIR", "a folder where the nodes of a mesh of three or more keep a log, so\nthat clients come back to any node, also when theirs was killed", func(c *Config, text string) error {
		c.Cluster.Dir = text
		return nil
	}},
	{"cluster-advertise", "URL", "SOCKEYE_CLUSTER_ADVERTISE", "http://HOST:PORT where other nodes reach this one, without the\nbalancer: they pass on the requests of its sessions that reach them,\nso that long polling needs no sticky balancer", func(c *Config, text string) error {
		if _, err := socketio.CheckAdvertise(text); err != nil {
			return err
		}
		c.Cluster.Advertise = text
		return nil
	}},
}

// check looks whether an adapter can be made of it.
func (c ClusterConfig) check() error {
	if c.URL == "" {
		if c != (ClusterConfig{}) {
			return errors.New("there is an option of a cluster, and no cluster: write --cluster URL too")
		}
		return nil
	}
	switch {
	case c.Advertise != "" && c.SecretFile == "":
		return errors.New("--cluster-advertise needs a secret, the same on all nodes: openssl rand -hex 32 >FILE, and write --cluster-secret-file FILE too")
	case c.SecretFile != "" && c.Advertise == "" && !strings.HasPrefix(c.URL, meshURL):
		return errors.New("there is a --cluster-secret-file, and nothing that it is for: write --cluster-advertise http://HOST:PORT too, where the other nodes reach this one")
	}
	if c.SecretFile != "" {
		if _, err := c.secret(); err != nil {
			return err
		}
	}
	_, err := c.adapter(nil) // which does nothing before it is started
	return err
}

// secret reads what all nodes know.
func (c ClusterConfig) secret() ([]byte, error) {
	secret, err := mesh.ReadSecret(c.SecretFile)
	if err == nil && c.Advertise != "" && len(secret) < leastKey {
		err = fmt.Errorf("--cluster-secret-file: %s holds %d bytes, and a secret has %d or more: fill it with openssl rand -hex 32", c.SecretFile, len(secret), leastKey)
	}
	return secret, err
}

// adapter makes the adapter, nil without a cluster. Errors say what to write, in
// one line.
func (c ClusterConfig) adapter(log *slog.Logger) (adapter.Adapter, error) {
	if c.URL == "" {
		return nil, nil
	}
	o := byurl.Options{Prefix: c.Prefix, Name: c.Name, Listen: c.Listen, Dir: c.Dir, Logger: log}
	var err error
	if c.KeyFile != "" {
		if o.Key, err = readKey(c.KeyFile); err != nil {
			return nil, err
		}
	}
	if c.SecretFile != "" && strings.HasPrefix(c.URL, meshURL) {
		if o.Secret, err = c.secret(); err != nil {
			return nil, err
		}
	}
	return byurl.New(c.URL, o)
}

// configure says how this node behaves, whatever the backend.
func (c ClusterConfig) configure(o *socketio.ClusterOptions) (err error) {
	o.Name = c.Name
	if c.Advertise != "" {
		o.Advertise = c.Advertise
		o.Secret, err = c.secret()
	}
	return err
}

// readKey reads a key without white space around it.
func readKey(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--cluster-key: %w", err)
	}
	key := bytes.TrimSpace(text)
	if len(key) < leastKey {
		return nil, fmt.Errorf("--cluster-key: %s holds %d bytes, and a key has %d or more: fill it with openssl rand -hex 32", file, len(key), leastKey)
	}
	return key, nil
}

// newIO makes the Socket.IO server. That it cannot be part of the cluster at
// all, since the address of a mesh's node is taken say, is an error.
func newIO(o *socketio.Options) (io *socketio.Server, err error) {
	defer func() {
		if v := recover(); v != nil {
			failed, ok := v.(*socketio.ClusterStartError)
			if !ok {
				panic(v)
			}
			err = failed
		}
	}()
	return socketio.New(o), nil
}

// clusterPatience is how long a server that has just started waits for the broker
// before it is ready without it.
const clusterPatience = 5 * time.Second

// nodes says how many there are.
func nodes(n int) string {
	if n < 2 {
		return "this node alone"
	}
	return fmt.Sprint(n, " nodes")
}

// clusterReady reports whether clients may be sent here, as far as the cluster
// is concerned, and says how it stands with it; "" without a cluster.
func (s *Server) clusterReady() (ready bool, text string) {
	st, ok := s.io.Cluster()
	if !ok {
		return true, ""
	}
	switch since := time.Since(st.Since).Truncate(time.Second); {
	case st.Connected:
		text = fmt.Sprintf("cluster: connected by %s for %v, %s\n", st.Backend, since, nodes(st.Nodes))
	case st.Joined:
		text = fmt.Sprintf("cluster: not connected by %s for %v; tries on\n", st.Backend, since)
	default:
		text = fmt.Sprintf("cluster: not connected by %s yet; tries on\n", st.Backend)
	}
	if s.config.Cluster.Required {
		return st.Connected, text
	}
	return st.Joined || time.Since(s.started) >= clusterPatience, text
}
