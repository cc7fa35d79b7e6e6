package nats

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]Options{
		"nats://a":                           {Servers: []string{"a:4222"}},
		"nats://a,b:1/":                      {Servers: []string{"a:4222", "b:1"}},
		"nats://[::1],[fe80::1]:2,127.0.0.1": {Servers: []string{"[::1]:4222", "[fe80::1]:2", "127.0.0.1:4222"}},
		"nats://me:pa%40ss%25@a":             {Servers: []string{"a:4222"}, User: "me", Password: "pa@ss%"},
		"nats://me:p@ss@a":                   {Servers: []string{"a:4222"}, User: "me", Password: "p@ss"},
		"nats://a?jetstream=on&replicas=3&storage=memory&maxage=1h&maxbytes=1048576": {Servers: []string{"a:4222"}, JetStream: On, Replicas: 3, Memory: true, MaxAge: time.Hour, MaxBytes: 1 << 20},
		"nats://tok%3Aen@a:1,b:2?creds=url.go":                                       {Servers: []string{"a:1", "b:2"}, Token: "tok:en", Credentials: "url.go"},
	} {
		got, err := ParseURL(text)
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"":                                    "write nats://",
		"redis://a":                           "neither nats:// nor tls://",
		"nats:/a":                             "write nats://",
		"nats://":                             "server 1 is no HOST:PORT",
		"nats://a,":                           "server 2 is no HOST:PORT",
		"nats://a:0":                          "server 1 is no HOST:PORT",
		"nats://a:99999":                      "server 1 is no HOST:PORT",
		"nats://a:b:c":                        "server 1 is no HOST:PORT",
		"nats://a b":                          "server 1 is no HOST:PORT",
		"nats://user:SECRET":                  "server 1 is no HOST:PORT", // the host was forgotten
		"nats://@a":                           "nobody stands before the @",
		"nats://user:SECRET%zz@a":             "write % as %25",
		"nats://user:SEC/RET@a":               "write / as %2F",
		"nats://user:SEC?RET@a":               "? as %3F",
		"nats://user:SEC#RET@a":               "# as %23",
		"nats://a/db":                         "something follows the servers",
		"nats://a#x":                          "something follows the servers",
		"nats://a?user=SECRET":                `unknown parameter "user": write creds`,
		"nats://a?creds=a&creds=b":            "write it once",
		"nats://a?creds=":                     "write creds=FILE",
		"nats://a?%zz":                        "not written as a URL's",
		"nats://a?ca=x":                       "write tls:// instead",
		"tls://a?cert=x":                      "write cert=FILE&key=FILE",
		"tls://a?ca=does-not-exist":           "no such file",
		"tls://a?ca=url.go":                   "no certificate in PEM",
		"tls://a?cert=url.go&key=url.go":      "cert and key:",
		"tls://a?jetstreams=on":               `unknown parameter "jetstreams"`,
		"nats://a?jetstream=yes":              "auto, on or off",
		"nats://a?jetstream=on&jetstream=off": "write it once",
		"nats://a?jetstream=off&replicas=3":   "write one of them",
		"nats://a?replicas=2":                 "1, 3 or 5",
		"nats://a?storage=disk":               "file or memory",
		"nats://a?maxage=10":                  "write maxage=10m",
		"nats://a?maxage=1ms":                 "a second or more",
		"nats://a?maxbytes=1k":                "write maxbytes=",
		"nats://user:SECRET@a?creds=a;b=c":    "not written as a URL's",
	} {
		_, err := ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "SEC") {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

func TestOptions(t *testing.T) {
	for says, o := range map[string]Options{
		"no server":              {},
		"more than one of":       {Servers: []string{"a:1"}, User: "u", Token: "t"},
		"more than one of user":  {Servers: []string{"a:1"}, Password: "u", Credentials: "url.go"},
		"no such file":           {Servers: []string{"a:1"}, Credentials: "does-not-exist"},
		"-1 replicas":            {Servers: []string{"a:1"}, Replicas: -1},
		"no such JetStream":      {Servers: []string{"a:1"}, JetStream: 9},
		"a second or more":       {Servers: []string{"a:1"}, MaxAge: time.Millisecond},
		"a log of 5 bytes":       {Servers: []string{"a:1"}, MaxBytes: 5},
		"QueueBytes is negative": {Servers: []string{"a:1"}, QueueBytes: -1},
		"MaxMessage is negative": {Servers: []string{"a:1"}, MaxMessage: -1},
		"a prefix of 129 bytes":  {Servers: []string{"a:1"}, Prefix: strings.Repeat("x", 129)},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	a, err := New(Options{Servers: []string{"a:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Traits(); got != (adapter.Traits{Name: "nats", Ordered: true, Routes: true, AllRooms: true, MaxMessage: 16 << 20}) {
		t.Errorf("%+v", got)
	}
	if err := a.Close(t.Context()); err != nil { // was never started
		t.Error(err)
	}
}

// The server asks who a node is. Whoever is refused has a State that says so,
// without the secret.
func TestAuthentication(t *testing.T) {
	byUser := broker(t, server.Options{Username: "me", Password: "SECRET"})
	byToken := broker(t, server.Options{Authorization: "SECRET"})
	for name, c := range map[string]struct {
		url string
		ok  bool
	}{
		"user":                {fmt.Sprintf("nats://me:SECRET@%s", byUser.Addr()), true},
		"token":               {fmt.Sprintf("nats://SECRET@%s", byToken.Addr()), true},
		"wrong password":      {fmt.Sprintf("nats://me:SECRETS@%s", byUser.Addr()), false},
		"wrong token":         {fmt.Sprintf("nats://SECRETS@%s", byToken.Addr()), false},
		"nobody":              {fmt.Sprintf("nats://%s", byUser.Addr()), false},
		"plain instead of it": {fmt.Sprintf("tls://me:SECRET@%s", byUser.Addr()), false},
	} {
		o, err := ParseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		n := start(t, "a", o)
		n.wait("a state", func() bool { // at first the server may be slow to answer
			return len(n.states) > 0 && (!c.ok || n.states[len(n.states)-1].Connection == adapter.Up)
		})
		s := n.last()
		if ok := s.Connection == adapter.Up; ok != c.ok || !ok && (s.Cause == nil || strings.Contains(s.Cause.Error(), "SECRET")) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// What the server does not allow is a State too: this node would hear nothing.
func TestPermissions(t *testing.T) {
	s := broker(t, server.Options{Users: []*server.User{
		{Username: "all", Password: "x", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{"socket.io.>"}}, Subscribe: &server.SubjectPermission{Allow: []string{"socket.io.>"}}}},
		{Username: "deaf", Password: "x", Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Deny: []string{">"}}}},
	}})
	o := options(s)
	o.User, o.Password = "all", "x"
	a, b := pair(t, o)
	b.heard([]string{a.say(numbered(1))})
	o.User = "deaf"
	c := start(t, "c", o)
	c.wait("a cause", func() bool {
		return len(c.states) > 0 && c.states[len(c.states)-1].Cause != nil && strings.Contains(strings.ToLower(c.states[len(c.states)-1].Cause.Error()), "permissions")
	})
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

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	other, otherKey := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(text)
	s := broker(t, server.Options{TLS: true, TLSTimeout: 10, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}})
	var nodes []*node
	for _, query := range []string{
		fmt.Sprintf("ca=%s&cert=%s&key=%s", cert, cert, key),
		fmt.Sprintf("ca=%s&cert=%s&key=%s", cert, cert, key),
		fmt.Sprintf("ca=%s&cert=%s&key=%s", other, cert, key),      // does not trust the server
		fmt.Sprintf("ca=%s&cert=%s&key=%s", cert, other, otherKey), // is not trusted
		fmt.Sprintf("ca=%s", cert),                                 // is nobody
		fmt.Sprintf("cert=%s&key=%s", cert, key),                   // trusts the system's only
	} {
		o, err := ParseURL(fmt.Sprintf("tls://%s?%s", s.Addr(), query))
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, start(t, string(rune('a'+len(nodes))), o))
	}
	nodes[0].up(1)
	nodes[1].up(1)
	nodes[1].heard([]string{nodes[0].say(numbered(1))})
	for _, n := range nodes[2:] {
		n.wait("a state", func() bool { return len(n.states) > 0 })
		if s := n.last(); s.Connection == adapter.Up || s.Cause == nil {
			t.Errorf("node %s: %+v", n.id[:1], s)
		}
	}
}
