//go:build unix

package redis

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// watched starts a master with a replica, and three Sentinels that watch them.
func watched(t *testing.T, args ...string) (servers []*server, sentinels []string) {
	t.Helper()
	master := newServer(t, args...)
	host, port, _ := net.SplitHostPort(master.addr)
	replica := newServer(t, append([]string{"replicaof " + host + " " + port, "repl-diskless-sync-delay 0"}, args...)...)
	until(t, "the replica follows", func() bool {
		info, _ := replica.do("INFO", "replication").(string)
		return strings.Contains(info, "master_link_status:up")
	})
	var all []*server
	for range 3 {
		s := newServer(t, "sentinel monitor mymaster "+host+" "+port+" 2", "sentinel down-after-milliseconds mymaster 500",
			"sentinel failover-timeout mymaster 3000", "sentinel parallel-syncs mymaster 1")
		all = append(all, s)
		sentinels = append(sentinels, s.addr)
	}
	until(t, "the Sentinels know one another and the replica", func() bool {
		for _, s := range all {
			text := ""
			list, _ := s.do("SENTINEL", "MASTER", "mymaster").([]any)
			for i := 0; i+1 < len(list); i += 2 {
				if name, _ := list[i].(string); name == "num-other-sentinels" || name == "num-slaves" {
					value, _ := list[i+1].(string)
					text += name + "=" + value + " "
				}
			}
			if text != "num-slaves=1 num-other-sentinels=2 " {
				return false
			}
		}
		return true
	})
	return []*server{master, replica}, sentinels
}

// role asks on a connection of its own, since a promotion ends others.
func (s *server) role() string {
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		return ""
	}
	c := newConn(nc)
	defer c.close()
	v, _ := c.do("ROLE")
	if list, ok := v.([]any); ok && len(list) > 0 {
		role, _ := list[0].(string)
		return role
	}
	return ""
}

// A master that ends, or stands still: both nodes find the new one by the
// Sentinels, say that something may be missing, and hear one another again. A
// Sentinel that is away does not matter.
func TestFailOver(t *testing.T) {
	for _, how := range []string{"killed", "stopped"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel() // much of it is waiting
			servers, sentinels := watched(t)
			sentinels = append([]string{"127.0.0.1:" + freePort(t)}, sentinels...)
			a := join(t, impatient(classicAt(t, Options{Sentinel: "mymaster"}, sentinels...)), "aaaaaa")
			b := join(t, impatient(classicAt(t, Options{Sentinel: "mymaster"}, sentinels...)), "bbbbbb")
			a.burst(1, 5)
			b.awaits("aaaaaa", sequence(1, 5))
			began := time.Now()
			if how == "killed" {
				servers[0].kill()
			} else {
				servers[0].signal(syscall.SIGSTOP)
			}
			for _, n := range []*node{a, b} {
				until(t, "the loss is told", func() bool { return len(n.history()) > 1 })
			}
			until(t, "the replica is master", func() bool {
				return servers[1].role() == "master"
			})
			promoted := time.Now()
			for _, n := range []*node{a, b} {
				until(t, "the new master is found", func() bool { return n.up() && n.server() == servers[1].addr })
				if !n.state().MayMiss {
					t.Error("nothing may be missing?")
				}
			}
			t.Logf("promoted after %v, found %v later", promoted.Sub(began), time.Since(promoted))
			b.burst(1, 5)
			a.awaits("bbbbbb", sequence(1, 5))
		})
	}
}

// A fail-over that somebody asks for, while the old master goes on.
func TestFailOverOnPurpose(t *testing.T) {
	t.Parallel()
	servers, sentinels := watched(t)
	a := join(t, streamsAt(t, Options{Sentinel: "mymaster"}, sentinels...), "aaaaaaaaaaaaaaaa")
	b := join(t, streamsAt(t, Options{Sentinel: "mymaster"}, sentinels...), "bbbbbbbbbbbbbbbb")
	a.burst(1, 5)
	b.awaits(a.id, sequence(1, 5))
	until(t, "the replica has all", func() bool { n, _ := servers[1].do("XLEN", "socket.io").(int); return n == 5 })
	nc, err := net.Dial("tcp", sentinels[0])
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(nc)
	defer c.close()
	if _, err := c.do("SENTINEL", "FAILOVER", "mymaster"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{a, b} {
		until(t, "the new master is found", func() bool { return n.up() && n.server() == servers[1].addr })
	}
	a.burst(6, 5)
	b.awaits(a.id, sequence(1, 10))
}
