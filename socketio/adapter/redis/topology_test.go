//go:build unix

package redis

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// Slots are those that a server computes.
func TestSlotOf(t *testing.T) {
	t.Parallel()
	s := newServer(t, "cluster-enabled yes", "cluster-port "+freePort(t))
	for _, channel := range []string{"", "a", "123456789", "socket.io#/#", "socket.io#/#é☃#", "{a}b", "{}b", "x{a}", "x{a}{b}", "x{{a}}", "x}{a", "x{a", "x{}{a}",
		"socket.io#/#{user}:1#", strings.Repeat("x", 5000), "\xff\x00\r\n"} {
		if got, want := slotOf(channel), s.do("CLUSTER", "KEYSLOT", channel); got != want {
			t.Errorf("%.20q has slot %d, want %v", channel, got, want)
		}
	}
}

func row(first, last any, servers ...any) []any { return append([]any{first, last}, servers...) }
func at(host, port any) []any                   { return []any{host, port, "id"} }

func TestParseTopology(t *testing.T) {
	good := []any{
		row(0, 99, at("10.0.0.1", 7000), at("10.0.0.4", 7000)),
		row(100, 199, at("", 7001)),
		row(200, 299, at(nil, 7002)),
		row(300, 399, at("?", 7002)),
		row(400, 499, at("::1", 7003), at("10.0.0.4", 7000), at("?", 1)),
		row(500, 599, at("10.0.0.1", 7000)),
		row(600, 699, at("h", 0)),
	}
	tp, err := parseTopology("seed:6379", good)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(tp.masters) != "[10.0.0.1:7000 seed:7001 seed:7002 [::1]:7003]" || fmt.Sprint(tp.replicas) != "[10.0.0.4:7000]" || !tp.cluster {
		t.Errorf("%v %v", tp.masters, tp.replicas)
	}
	for slot, want := range map[int]uint16{0: 1, 99: 1, 100: 2, 299: 3, 300: 0, 450: 4, 599: 1, 650: 0, 700: 0, slots - 1: 0} {
		if tp.of[slot] != want {
			t.Errorf("slot %d has %d, want %d", slot, tp.of[slot], want)
		}
	}
	if tp.bare != slots-500 {
		t.Errorf("%d slots are bare", tp.bare)
	}
	var crowd []any
	for i := range maxMasters + 1 {
		crowd = append(crowd, row(i, i, at("h", 1000+i)))
	}
	for name, bad := range map[string]any{
		"no list": "x", "nil": nil, "rows": []any{"x"}, "short": []any{row(0, 1)}, "words": []any{row("0", 1, at("h", 1))},
		"below": []any{row(-1, 1, at("h", 1))}, "beyond": []any{row(0, slots, at("h", 1))}, "backwards": []any{row(2, 1, at("h", 1))},
		"twice": []any{row(0, 5, at("h", 1)), row(5, 6, at("i", 1))}, "port": []any{row(0, 1, at("h", 65536))}, "negative": []any{row(0, 1, at("h", -1))},
		"text port": []any{row(0, 1, at("h", "1"))}, "host": []any{row(0, 1, at(7, 1))}, "long": []any{row(0, 1, at(strings.Repeat("h", 256), 1))},
		"server": []any{row(0, 1, "h:1")}, "replica": []any{row(0, 1, at("h", 1), "x")}, "crowd": crowd,
	} {
		if _, err := parseTopology("seed:6379", bad); !errors.Is(err, errTopology) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for said, want := range map[string]string{
		"MOVED 5 10.0.0.1:7000": "10.0.0.1:7000", "ASK 5 ::1:7000": "[::1]:7000", "MOVED 5 :7000": "here:7000", "MOVED 5 ?:1": "here:1",
		"MOVED 5": "", "MOVED 5 x": "", "MOVED 5 h:0": "", "MOVED 5 h:65536": "", "MOVED 5 h:1 more": "", "ERR no": "",
		"MOVED 5 " + strings.Repeat("h", 300) + ":1": "",
	} {
		if got := replyError(said).movedTo("here:6379"); got != want {
			t.Errorf("%s: %q, want %q", said, got, want)
		}
	}
}

// A liar speaks RESP: it answers each command with what say returns, or goes
// silent at "".
type liar struct {
	addr string

	mu    sync.Mutex
	asked map[string]int
}

func newLiar(t *testing.T, say func(self, command string) string) *liar {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &liar{addr: l.Addr().String(), asked: map[string]int{}}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				r := newConn(c)
				for {
					v, err := r.reply(0)
					list, ok := v.([]any)
					if err != nil || !ok {
						return
					}
					command := fmt.Sprint(list...)
					s.mu.Lock()
					s.asked[fmt.Sprint(list[0])]++
					s.mu.Unlock()
					w := bufio.NewWriter(c)
					_, _ = w.WriteString(say(s.addr, command))
					if w.Flush() != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return s
}

func (l *liar) count(command string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked[command]
}

// A server that lies about its Cluster costs a question now and then, and nothing
// else: no crowd of connections, no memory, no loop.
func TestHostileTopology(t *testing.T) {
	whole := func(self string) string {
		host, port, _ := net.SplitHostPort(self)
		return fmt.Sprintf("*1\r\n*3\r\n:0\r\n:%d\r\n*2\r\n$%d\r\n%s\r\n:%s\r\n", slots-1, len(host), host, port)
	}
	for name, lie := range map[string]func(self, command string) string{
		"an endless list": func(string, string) string {
			return "*1000000\r\n" + strings.Repeat("$1000\r\n"+strings.Repeat("x", 1000)+"\r\n", 10_000)
		},
		"a huge string": func(string, string) string { return "$536870912\r\n" + strings.Repeat("x", 8<<20) },
		"deep lists":    func(string, string) string { return strings.Repeat("*1\r\n", 1000) },
		"no RESP":       func(string, string) string { return "HTTP/1.1 400 Bad Request\r\n\r\n" },
		"no slots":      func(string, string) string { return "*0\r\n" },
		"MOVED for ever": func(self, command string) string {
			if strings.HasPrefix(command, "CLUSTER") {
				return whole(self)
			}
			return "-MOVED 1 " + self + "\r\n"
		},
		"subscriptions that nobody asked for, and that end": func(self, command string) string {
			if strings.HasPrefix(command, "CLUSTER") {
				return whole(self)
			}
			channel := strings.TrimPrefix(command, "SSUBSCRIBE")
			push := func(word, channel string) string {
				return fmt.Sprintf("*3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:1\r\n", len(word), word, len(channel), channel)
			}
			return push("ssubscribe", "x") + push("ssubscribe", channel) + push("sunsubscribe", channel) + push("sunsubscribe", "y") + "-MOVED 1 h\r\n-ASK\r\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newLiar(t, func(self, command string) string {
				if command == "PING" {
					return "+PONG\r\n"
				}
				return lie(self, command)
			})
			a, err := NewSharded(Options{Addrs: []string{s.addr}})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			n := start(t, a, "aaaaaaaaaaaaaaaa")
			a.Interest(adapter.Interest{NS: "/", Room: "r", On: true})
			until(t, "it has asked twice", func() bool { return s.count("CLUSTER") > 1 })
			n.publish(adapter.Message{Kind: adapter.Broadcast, Data: text(`["x"]`)})
			until(t, "it has asked often, for a while", func() bool { return s.count("CLUSTER") > 4 && time.Since(began) > time.Second })
			took := time.Since(began)
			for command, count := range map[string]int{"CLUSTER": 40, "SSUBSCRIBE": 200, "SPUBLISH": 100, "PING": 200} {
				if got := s.count(command); got > count*int(1+took/time.Second) {
					t.Errorf("%s was said %d times within %v", command, got, took)
				}
			}
		})
	}
}

// Several addresses that are no Cluster, or a Redis that has no sharded Pub/Sub:
// the cause says what to write.
func TestShardedCauses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	old := newLiar(t, func(_, command string) string {
		if command == "PING" {
			return "+PONG\r\n"
		}
		word, _, _ := strings.Cut(command, " ")
		return "-ERR unknown command '" + word + "'\r\n"
	})
	guarded := newServer(t, "requirepass s3cr3t", "user bob on >b0b ~* &socket.io* +@all -cluster")
	for raw, want := range map[string]string{
		"redis+sharded://" + s.addr + "," + s.addr:  "write its address alone",
		"redis+sharded://" + old.addr:               "write redis://",
		"redis+sharded://" + guarded.addr:           "NOAUTH",
		"redis+sharded://:wr0ng@" + guarded.addr:    "WRONGPASS",
		"redis+sharded://bob:b0b@" + guarded.addr:   "NOPERM",
		"redis+sharded://127.0.0.1:1":               "refused",
		"redis+sharded://127.0.0.1:1?sentinel=no_1": "sentinel",
	} {
		a, err := FromURL(raw, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := start(t, a, "cccccccccccccccc")
		n.fails(raw, want, "wr0ng", "b0b")
	}
}
