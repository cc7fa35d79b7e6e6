//go:build unix

package redis

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// newCluster starts a Redis Cluster of a test's own: masters, which have the
// slots in equal parts, and one replica for each of the first of them. "PORT" in
// args is a free one, another for each.
func newCluster(t *testing.T, masters, replicas int, args ...string) []*server {
	t.Helper()
	var all []*server
	for range masters + replicas {
		lines := []string{"cluster-enabled yes", "cluster-port " + freePort(t), "cluster-node-timeout 1000", "repl-diskless-sync-delay 0"}
		for _, arg := range args {
			lines = append(lines, strings.ReplaceAll(arg, "PORT", freePort(t)))
		}
		all = append(all, newServer(t, lines...))
	}
	for i, s := range all {
		s.do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i < masters {
			s.do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		}
		if i > 0 {
			s.meet(all[0])
		}
	}
	met := time.Now()
	for _, s := range all {
		until(t, "all know all", func() bool {
			// Servers forget whom they have met if they are too slow for the rest of it.
			if time.Since(met) > 3*time.Second {
				met = time.Now()
				for _, s := range all[1:] {
					s.meet(all[0])
				}
			}
			return strings.Contains(s.info(), fmt.Sprintf("cluster_known_nodes:%d\r", len(all)))
		})
	}
	for i, s := range all[masters:] {
		id, _ := all[i].do("CLUSTER", "MYID").(string)
		s.do("CLUSTER", "REPLICATE", id)
	}
	for i, s := range all {
		until(t, "the Cluster is well", func() bool { return strings.Contains(s.info(), "cluster_state:ok") })
		if i >= masters {
			until(t, "the replica follows", func() bool {
				info, _ := s.do("INFO", "replication").(string)
				return strings.Contains(info, "master_link_status:up")
			})
		}
	}
	// Each knows who is whose replica: a fail-over needs their votes.
	for _, s := range all {
		until(t, "all know the replicas", func() bool {
			text, _ := s.do("CLUSTER", "NODES").(string)
			return strings.Count(text, "slave") == replicas && strings.Count(text, " connected") == len(all)
		})
	}
	return all
}

func (s *server) meet(other *server) {
	host, port, _ := net.SplitHostPort(other.addr)
	s.do("CLUSTER", "MEET", host, port, strings.TrimPrefix(other.args[1], "cluster-port "))
}

func (s *server) info() string {
	text, _ := s.do("CLUSTER", "INFO").(string)
	return text
}

// owner is the master that has a channel's slot, if the masters have equal parts.
func owner(masters []*server, channel string) *server {
	return masters[slotOf(channel)*len(masters)/slots]
}

// roomOf names a room whose channel the server i of so many has.
func roomOf(masters []*server, i int) string {
	for n := 0; ; n++ {
		room := fmt.Sprint("room", n)
		if owner(masters, "socket.io#"+ns+"#"+room+"#") == masters[i] {
			return room
		}
	}
}

func shardedAt(t *testing.T, o Options, servers ...*server) *Sharded {
	t.Helper()
	for _, s := range servers {
		o.Addrs = append(o.Addrs, s.addr)
	}
	a, err := NewSharded(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// clustered is a Cluster for one test of the suite, on masters that all share, with
// a relay for each node before each of them.
func clustered(t *testing.T, masters []*server, prefix string) adaptertest.Cluster {
	t.Helper()
	const queue = 200_000
	var mu sync.Mutex
	relays := map[adapter.Adapter]map[string]*adaptertest.Relay{}
	each := func(a adapter.Adapter, f func(*adaptertest.Relay)) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range relays[a] {
			f(r)
		}
	}
	begin := func() {
		for _, s := range masters {
			if s.cmd == nil {
				s.start()
			}
		}
	}
	begin()
	for _, s := range masters {
		until(t, "the Cluster is well", func() bool { return strings.Contains(s.info(), "cluster_state:ok") })
	}
	return adaptertest.Cluster{
		Adapter: func() adapter.Adapter {
			own := map[string]*adaptertest.Relay{}
			for _, s := range masters {
				own[s.addr] = adaptertest.NewRelay(t, s.addr)
			}
			a := shardedAt(t, Options{Prefix: prefix, QueueBytes: queue, via: func(addr string) string { return own[addr].Addr }}, masters[0], masters[1])
			mu.Lock()
			defer mu.Unlock()
			relays[a] = own
			return a
		},
		Stop: func() {
			for _, s := range masters {
				s.kill()
			}
			mu.Lock()
			defer mu.Unlock()
			for a := range relays {
				until(t, "all links have ended", a.(*Sharded).linkless)
			}
		},
		Start: begin,
		Cut: func(a adapter.Adapter) {
			each(a, func(r *adaptertest.Relay) {
				r.Refuse(true)
				r.Cut()
			})
			// One that has not noticed yet would take what is to wait in the queue.
			until(t, "all links have ended", a.(*Sharded).linkless)
		},
		Mend: func(a adapter.Adapter) { each(a, func(r *adaptertest.Relay) { r.Refuse(false) }) },
		Inject: func(ns string, raw []byte) {
			channel := prefix + "#" + ns + "#"
			owner(masters, channel).do("SPUBLISH", channel, string(raw))
		},
		QueueBytes: queue,
	}
}

// linkless reports whether there is no link with any master.
func (a *Sharded) linkless() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !slices.ContainsFunc(a.parts, func(s *shard) bool { return s != nil && s.link != nil })
}

func TestSuiteCluster(t *testing.T) {
	t.Parallel() // much of it is waiting
	masters, n := newCluster(t, 3, 0), 0
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		n++
		return clustered(t, masters, fmt.Sprint("suite", n))
	})
}

func TestSuiteStatic(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		return suited(t, func(o Options) (*Sharded, error) {
			o.Subscribe = SubscribeStatic
			return NewSharded(o)
		})
	})
}

// A Cluster whose servers speak TLS, with one another too: seeds and masters are
// reached at the ports for TLS, which the topology names to who asks there, and
// rooms of all masters are heard. Who does not trust the certificate is told.
func TestClusterOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trusted := certificate(t, dir)
	masters := newCluster(t, 3, 0, "tls-port PORT", "tls-cluster yes", "tls-replication yes", "tls-auth-clients no",
		"tls-cert-file "+dir+"/crt", "tls-key-file "+dir+"/key", "tls-ca-cert-file "+dir+"/crt")
	var addrs []string
	for _, s := range masters {
		addrs = append(addrs, "127.0.0.1:"+strings.TrimPrefix(s.args[4], "tls-port "))
	}
	url := "rediss+sharded://" + strings.Join(addrs[:2], ",")
	with := func(c *tls.Config) adapter.Adapter {
		a, err := FromURL(url, Options{TLS: c})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	secure := &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	a, b := join(t, with(secure), "aaaaaaaaaaaaaaaa"), join(t, with(secure), "bbbbbbbbbbbbbbbb")
	var rooms []string
	for i := range masters {
		rooms = append(rooms, roomOf(masters, i))
		b.Interest(adapter.Interest{NS: "/", Room: rooms[i], On: true})
	}
	for _, room := range rooms {
		until(t, "the room "+room+" is heard", func() bool {
			a.publish(adapter.Message{Kind: adapter.Broadcast, Rooms: []string{room}, Data: text(`["to ` + room + `"]`)})
			return slices.ContainsFunc(b.messages(), func(m string) bool { return strings.Contains(m, "to "+room) })
		})
	}
	for addr, s := range b.Adapter.(*Sharded).links() {
		if !slices.Contains(addrs, addr) || !s {
			t.Errorf("there is a link with %s, not with the ports for TLS %v", addr, addrs)
		}
	}
	if n := len(b.Adapter.(*Sharded).links()); n != 3 {
		t.Errorf("%d links, of 3 masters", n)
	}
	stranger := start(t, with(nil), "cccccccccccccccc")
	until(t, "who does not trust it is told", func() bool {
		s := stranger.state()
		return s.Cause != nil && strings.Contains(s.Cause.Error(), "certificate")
	})
}

// links are the addresses that there are shards of, and whether each has a link.
func (a *Sharded) links() map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make(map[string]bool)
	for addr, s := range a.shards {
		all[addr] = s.link != nil
	}
	return all
}
