package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// File, environment and command line set the same by the same names; what comes
// later wins, and each setting knows where it is from.
func TestSettingsHaveSources(t *testing.T) {
	name := file(t, "sockeye.toml", `
port = 4000
host = "127.0.0.1"
trusted-proxies = ["10.0.0.0/8", "::1"]
allow-eio3 = true
grace = "3s"
cluster = "redis://:SECRET@h"
`)
	c, settings, err := Load([]string{"--config", name, "--grace", "5s"}, env("SOCKEYE_HOST", "::1", "SOCKEYE_GRACE", "4s"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 4000 || c.Host != "::1" || !slices.Equal(c.TrustedProxies, []string{"10.0.0.0/8", "::1"}) || !c.AllowEIO3 || c.Grace != 5*time.Second || c.Cluster.URL != "redis://:SECRET@h" {
		t.Errorf("%+v", c)
	}
	var lines []string
	for _, s := range settings {
		lines = append(lines, s.String())
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		`port = "4000"  # ` + name, `host = "::1"  # environment SOCKEYE_HOST`, `grace = "5s"  # command line`, `allow-eio3 = "on"  # ` + name,
		`trusted-proxies = "10.0.0.0/8,::1"`, `root-ws = "echo"  # default`, `# csp  (default)`, `cluster = "redis://:hidden@h"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "SECRET") || len(settings) != len(options()) {
		t.Errorf("%s", text)
	}
	// What it prints is a file that means the same.
	again := file(t, "again.toml", strings.ReplaceAll(text, "hidden", "SECRET"))
	if c2, _, err := Load(nil, env("SOCKEYE_CONFIG", again), io.Discard); err != nil || !reflect.DeepEqual(c, c2) {
		t.Errorf("%v\n%+v\n%+v", err, c, c2)
	}
}

func TestDefaultsAreThose(t *testing.T) {
	c := DefaultConfig()
	for _, o := range options() {
		if text := defaults[o.name]; text != "" {
			if err := o.set(&c, text); err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		}
	}
	if !reflect.DeepEqual(c, DefaultConfig()) {
		t.Errorf("%+v", c)
	}
}

func TestFileSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"prot = 3000":                       `"prot" is not a setting`,
		"port = 70000":                      "port: a port is a number",
		"port = 3000\nhost = ":              "line 2 is no TOML",
		"port = 1.5":                        "a value is a text",
		"origins = [1]":                     "a list is one of texts",
		"[server]\nport = 1":                `"server" is not a setting`,
		"cluster-prefix = 'x'":              "write --cluster URL",
		"config = 'other.toml'":             `"config" is not a setting`,
		"trusted-proxies = ['0.0.0.0/0']":   "is everybody",
		"tls-cert = 'x'":                    "write --tls-key",
		"tls-key = 'x'":                     "write --tls-cert",
		"tls-cert = 'x'\ntls-key = '/none'": "no such file",
		"allow-eio3 = 'maybe'":              "on or off",
		"admin = 'x:y'\nadmin-readonly = 7": "admin",
	} {
		name := file(t, "s.toml", text)
		if _, _, err := Load([]string{"--config", name}, env(), io.Discard); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := Load([]string{"--config=/none.toml"}, env(), io.Discard); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("no file: %v", err)
	}
}

func TestUnknownVariables(t *testing.T) {
	slips, others := Unknown([]string{
		"SOCKEYE_OHST=1", "SOCKEYE_APP=/x", "SOCKEYE_HOSST=x", "SOCKEYE_HOST=x", "PORT=1", "OTHER=1", "SOCKEYE_CONFIG=x", "SOCKEYE_SERVICE_HOST=10.0.0.1", "SOCKEYE_PORT=tcp://10.0.0.1:80",
		"SOCKEYE_PORT_80_TCP_ADDR=10.0.0.1", "SOCKEYE_SERVICE_PORT_HTTP=80", "SOCKEYE_MESH_SERVICE_HOST=1",
	})
	if !slices.Equal(slips, []string{"SOCKEYE_OHST", "SOCKEYE_HOSST"}) || !slices.Equal(others, []string{"SOCKEYE_APP"}) {
		t.Errorf("%q, %q", slips, others)
	}
}

func TestHide(t *testing.T) {
	for text, want := range map[string]string{
		"redis://u:p@h:1/0": "redis://u:hidden@h:1/0", "nats://a:1,b:2": "nats://a:1,b:2", "ann:$2a$10$abc./": "ann:hidden", "https://a.example": "https://a.example",
		"redis://:a:b@h": "redis://:hidden@h",
	} {
		if got := hide(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// pair writes a certificate for name, and its key.
func pair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A certificate that has changed is served without a restart; one that cannot be
// read leaves that of before.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "one.example")
	c := &certificate{certFile: cert, keyFile: key, log: slog.New(slog.DiscardHandler)}
	serial := func() string {
		t.Helper()
		c.looked = time.Time{} // as if a second had passed
		got, err := c.get(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Subject.CommonName
	}
	if got := serial(); got != "one.example" {
		t.Error(got)
	}
	pair(t, dir, "two.example")
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != "two.example" {
		t.Errorf("after a change: %s", got)
	}
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != "two.example" {
		t.Errorf("after a broken one: %s", got)
	}
	if err := os.Chmod(key, 0o604); err != nil {
		t.Fatal(err)
	}
	if err := (Config{TLSCert: cert, TLSKey: key}).checkTLS(); err == nil || !strings.Contains(err.Error(), "chmod o=") {
		t.Errorf("a key for everybody: %v", err)
	}
}
