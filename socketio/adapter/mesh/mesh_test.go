package mesh

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A node is an adapter and what came to it.
type node struct {
	*Adapter
	t  testing.TB
	id string

	mu     sync.Mutex
	seq    uint64
	got    []string
	ups    int
	met    int // nodes that it was connected with when it was up first
	log    bytes.Buffer
	change chan struct{} // closed and replaced by each
}

func (n *node) changed(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.change)
	n.change = make(chan struct{})
}

func (n *node) Message(m *adapter.Message) {
	s := fmt.Sprintf("%s %d %s %s", m.From[:1], m.Seq, m.Kind, m.Data.Text)
	n.changed(func() { n.got = append(n.got, s) })
}
func (n *node) Wants(string, string) bool { return true }
func (n *node) Malformed(why string)      { n.t.Errorf("malformed: %s", why) }
func (n *node) State(s adapter.State) {
	n.changed(func() {
		if s.Connection == adapter.Up {
			if n.ups++; n.ups == 1 {
				n.met = n.server.NumRemotes()
			}
		}
	})
}

// Write takes what the node logs.
func (n *node) Write(p []byte) (int, error) {
	n.changed(func() { n.log.Write(p) })
	return len(p), nil
}

func (n *node) wait(what string, ok func() bool) {
	n.t.Helper()
	deadline := time.After(slow.Stretch(30 * time.Second))
	for {
		n.mu.Lock()
		done, change := ok(), n.change
		n.mu.Unlock()
		if done {
			return
		}
		select {
		case <-change:
		case <-time.After(50 * time.Millisecond): // not all that is waited for is told
		case <-deadline:
			n.mu.Lock()
			defer n.mu.Unlock()
			n.t.Fatalf("node %s waits in vain: %s; it has got %q, %d routes, up %d times; it says:\n%s", n.id[:1], what, n.got, n.server.NumRoutes(), n.ups, n.log.String())
		}
	}
}

func (n *node) routes(count int) {
	n.t.Helper()
	n.wait(fmt.Sprintf("%d routes", count), func() bool { return n.server.NumRoutes() == count && n.ups > 0 })
}

func (n *node) says(text string) {
	n.t.Helper()
	n.wait("a line: "+text, func() bool { return strings.Contains(n.log.String(), text) })
}

func (n *node) say(text string) string {
	n.t.Helper()
	n.seq++
	m := &adapter.Message{Kind: adapter.Broadcast, From: n.id, NS: "/", Seq: n.seq, Data: adapter.Data{Text: []byte(`["` + text + `"]`)}}
	if err := n.Publish(m); err != nil {
		n.t.Fatal(err)
	}
	return fmt.Sprintf("%s %d %s %s", m.From[:1], m.Seq, m.Kind, m.Data.Text)
}

func (n *node) heard(want ...string) {
	n.t.Helper()
	n.wait(fmt.Sprintf("%d messages", len(want)), func() bool { return len(n.got) >= len(want) })
	n.mu.Lock()
	defer n.mu.Unlock()
	if fmt.Sprint(n.got) != fmt.Sprint(want) {
		n.t.Fatalf("node %s: got %q, want %q", n.id[:1], n.got, want)
	}
	n.got = nil
}

func (n *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(5*time.Second))
	defer cancel()
	if err := n.Close(ctx); err != nil {
		n.t.Error(err)
	}
}

// free returns addresses that nobody listens at.
func free(t testing.TB, n int) (addresses []string) {
	t.Helper()
	for range n {
		addresses = append(addresses, freeport.Reserve(t))
	}
	return addresses
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// start makes a node, which the test closes unless keep is set.
func start(t testing.TB, name string, o Options) *node {
	t.Helper()
	n := &node{t: t, id: (name + strings.Repeat("0", 16))[:16], change: make(chan struct{})}
	o.Logger = slog.New(slog.NewTextHandler(n, nil))
	var err error
	if n.Adapter, err = New(o); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), adapter.Node{ID: n.id, Name: name}, n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Three nodes that know one another, themselves included, and a fourth that
// knows one of them: all hear all.
func TestMesh(t *testing.T) {
	at := free(t, 4)
	var nodes []*node
	for i := range 4 {
		o := Options{Nodes: at[:3], Listen: at[i], Secret: []byte("a secret"), Key: []byte("key")}
		if i == 3 {
			o.Nodes = at[:1]
		}
		n := start(t, string(rune('a'+i)), o)
		defer n.close()
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.routes(3)
	}
	// Interest travels behind routes: a first message may pass by.
	for _, from := range nodes {
		for _, to := range nodes {
			if to != from {
				to.wait("a first message of "+from.id[:1], func() bool {
					if slices.ContainsFunc(to.got, func(s string) bool { return strings.HasPrefix(s, from.id[:1]) }) {
						return true
					}
					from.say("are you there?")
					return false
				})
			}
		}
	}
	for _, n := range nodes {
		last := n.say("end")
		for _, to := range nodes {
			if to != n {
				to.wait(last, func() bool { return slices.Contains(to.got, last) })
			}
		}
	}
	for _, n := range nodes {
		n.changed(func() { n.got = nil })
	}
	want := map[*node][]string{}
	for i := range 1000 {
		s := nodes[3].say(fmt.Sprint(i))
		for _, n := range nodes[:3] {
			want[n] = append(want[n], s)
		}
	}
	for _, n := range nodes[:3] {
		n.heard(want[n]...)
		for line := range strings.Lines(n.log.String()) { // some are started before others
			if !strings.Contains(line, "is not reached; it is tried on") {
				t.Errorf("it says %s", line)
			}
		}
	}
	if tr := nodes[0].Traits(); tr.Name != "mesh" || !tr.Ordered || !tr.Routes || tr.MaxMessage != 16<<20 {
		t.Errorf("%+v", tr)
	}
}

// both waits until a hears b and b hears a.
func both(a, b *node) {
	for _, p := range [][2]*node{{a, b}, {b, a}} {
		from, to := p[0], p[1]
		to.wait("a first message", func() bool {
			if len(to.got) > 0 {
				return true
			}
			from.say("are you there?")
			return false
		})
	}
	for _, p := range [][2]*node{{a, b}, {b, a}} {
		last := p[0].say("end")
		p[1].wait(last, func() bool { return slices.Contains(p[1].got, last) })
	}
	a.changed(func() { a.got = nil })
	b.changed(func() { b.got = nil })
}

// A node that is away is tried until it is there, and again when it was away for
// a while. Who is there is told Up then, to say hello once more.
func TestNodesComeAndGo(t *testing.T) {
	at := free(t, 2)
	o := func(i int) Options { return Options{Nodes: at, Listen: at[i]} }
	a := start(t, "a", o(0))
	defer a.close()
	a.wait("up", func() bool { return a.ups == 1 })
	a.say("nobody is there")
	for i := range 2 {
		b := start(t, "b", o(1))
		a.wait("up again", func() bool { return a.ups == 2+i })
		both(a, b)
		b.heard(a.say("hello"))
		a.heard(b.say("hello"))
		var want []string
		for j := range 1000 {
			want = append(want, b.say(fmt.Sprint(j)))
		}
		b.close() // sends what is queued
		a.heard(want...)
		a.routes(0)
	}
}

// A node is up when it is connected with those that are there: what they say from
// then on is not missed where a node was just started again. It waits for nobody
// who is not there, and for who does not let it in not for long.
func TestStartMeetsTheOthers(t *testing.T) {
	long := slow.Stretch(20 * time.Second)
	at := free(t, 5) // of which one is nobody's
	var nodes []*node
	begin := func(i int) *node {
		n := start(t, string(rune('a'+i)), Options{Nodes: at, Listen: at[i], Secret: []byte("a secret"), meeting: long})
		n.wait("up", func() bool { return n.ups > 0 })
		if n.met != i {
			t.Errorf("node %d is up with %d of %d others", i, n.met, i)
		}
		return n
	}
	for i := range 3 {
		nodes = append(nodes, begin(i))
	}
	for range 3 { // the last one again and again
		nodes[2].close()
		nodes[2] = begin(2)
		for _, n := range nodes[:2] {
			both(n, nodes[2])
		}
	}
	slowly := adaptertest.NewRelay(t, at[0])
	slowly.Slowly(20)
	far := start(t, "d", Options{Nodes: []string{slowly.Addr}, Listen: at[4], Secret: []byte("a secret"), meeting: long})
	far.wait("up", func() bool { return far.ups > 0 })
	if far.met == 0 {
		t.Error("a node is up before it has met one that is far away")
	}
	far.close()
	stranger := start(t, "e", Options{Nodes: at, Listen: at[3], meeting: time.Millisecond})
	for _, n := range append(nodes, stranger) {
		n.close()
	}
}

// Who does not know the secret is refused, and both sides say so.
func TestSecret(t *testing.T) {
	for _, secret := range []string{"SECRET two", ""} {
		at := free(t, 2)
		a := start(t, "a", Options{Nodes: at[:1], Listen: at[0], Secret: []byte("SECRET one")})
		b := start(t, "b", Options{Nodes: at[:1], Listen: at[1], Secret: []byte(secret), meeting: time.Millisecond})
		b.says("Authorization Violation")
		a.says("authentication error")
		for _, n := range []*node{a, b} {
			if n.server.NumRoutes() != 0 {
				t.Error("it was let in")
			}
			n.close()
			if text := n.log.String(); strings.Contains(text, "SECRET") || !strings.Contains(text, "level=WARN") {
				t.Errorf("it says %s", text)
			}
		}
	}
	at := free(t, 2)
	a := start(t, "a", Options{Nodes: at[:1], Listen: at[0], Secret: []byte("SECRET one")})
	defer a.close()
	c := start(t, "c", Options{Nodes: at[:1], Listen: at[1], Secret: []byte("SECRET one")})
	defer c.close()
	both(a, c)
}

// What the server inside says again and again is told once in a while.
func TestLogIsLimited(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, nil)))
	for i := range 100 {
		connection := fmt.Sprintf("127.0.0.1:%d - rid:%d - ", 50_000+i, i) // part of the format
		l.Errorf(connection+"authentication error - User %q", "mesh")
		l.Errorf(connection+"Route Error %s", "'Authorization Violation'")
		l.Errorf("Error trying to connect to route (attempt %v): %v", i, "refused")
		l.Warnf("warning")
		l.Noticef("notice")
	}
	if n := strings.Count(out.String(), "\n"); n != 3 || !strings.Contains(out.String(), `at="authentication error - User"`) {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
	l.every = 0
	l.Errorf("127.0.0.1:1 - rid:1 - authentication error - User %q", "mesh")
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}

// The server inside takes no clients but its node.
func TestClientsAreRefused(t *testing.T) {
	at := free(t, 1)
	a := start(t, "a", Options{Nodes: at, Listen: at[0]})
	defer a.close()
	addr := a.server.Addr().(*net.TCPAddr)
	if !addr.IP.IsLoopback() {
		t.Errorf("it listens at %s", addr)
	}
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("CONNECT {}\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if _, err := all.ReadFrom(c); err == nil && !strings.Contains(all.String(), "Authorization Violation") || strings.Contains(all.String(), "PONG") {
		t.Errorf("%s, %v", all.String(), err)
	}
}

func TestStartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := New(Options{Nodes: []string{"127.0.0.1:1"}, Listen: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context(), adapter.Node{ID: "a"}, nil); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Error(err)
	}
}

// With TLS, nodes know one another by certificates too.
func TestTLS(t *testing.T) {
	at := free(t, 3)
	cert, key := certificate(t)
	other, otherKey := certificate(t)
	node := func(i int, cert, key, ca string) *node {
		o, err := ParseURL(fmt.Sprintf("mesh://%s,%s?ca=%s&cert=%s&key=%s", at[0], at[1], ca, cert, key))
		if err != nil {
			t.Fatal(err)
		}
		o.Listen, o.Secret, o.meeting = at[i], []byte("a secret"), time.Millisecond // one is not let in
		return start(t, string(rune('a'+i)), o)
	}
	a, b := node(0, cert, key, cert), node(1, cert, key, cert)
	defer a.close()
	defer b.close()
	both(a, b)
	c := node(2, other, otherKey, other)
	defer c.close()
	c.says("TLS")
	a.says("TLS")
	if c.server.NumRoutes() != 0 {
		t.Error("it was let in")
	}
}

// certificate makes one for 127.0.0.1, its own authority, in a folder.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
