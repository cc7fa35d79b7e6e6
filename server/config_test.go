package server

import (
	"errors"
	"flag"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestParse(t *testing.T) {
	with := func(change func(*Config)) Config {
		c := DefaultConfig()
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		args []string
		env  []string
		want Config
	}{
		"dev":                  {args: []string{"--dev", "off"}, env: []string{"SOCKEYE_DEV", "on"}, want: with(func(c *Config) { c.Dev = "off" })},
		"nothing":              {want: Config{Port: 3000, RootWS: "echo", Grace: 10 * time.Second}},
		"PORT":                 {env: []string{"PORT", "8080"}, want: with(func(c *Config) { c.Port = 8080 })},
		"command line wins":    {args: []string{"--port=0"}, env: []string{"PORT", "8080"}, want: with(func(c *Config) { c.Port = 0 })},
		"folder and policy":    {args: []string{"-public", "site", "--csp", "default-src 'self'"}, want: with(func(c *Config) { c.Public, c.CSP = "site", "default-src 'self'" })},
		"policy of the folder": {args: []string{"--public", "site"}, env: []string{"SOCKEYE_CSP", "img-src *"}, want: with(func(c *Config) { c.Public, c.CSP = "site", "img-src *" })},
		"origins":              {env: []string{"SOCKEYE_ORIGINS", "https://a.example, https://*.b.example:8443,*"}, want: with(func(c *Config) { c.Origins = []string{"https://a.example", "https://*.b.example:8443", "*"} })},
		"proxy": {args: []string{"--client-ip-header", "X-Real-IP", "--trusted-proxies", "10.0.0.0/8,::1"}, want: with(func(c *Config) {
			c.ClientIPHeader, c.TrustedProxies = "X-Real-IP", []string{"10.0.0.0/8", "::1"}
		})},
		"rest": {args: []string{"--host", "127.0.0.1", "--root-ws", "counter", "--grace", "3s", "--log", "debug", "--version"}, want: with(func(c *Config) {
			c.Host, c.RootWS, c.Grace, c.LogLevel, c.Version = "127.0.0.1", "counter", 3*time.Second, slog.LevelDebug, true
		})},
		"cluster": {args: []string{"--cluster", "redis://127.0.0.1", "--cluster-required"}, env: []string{"SOCKEYE_CLUSTER", "nats://x", "SOCKEYE_CLUSTER_NAME", "a b"}, want: with(func(c *Config) {
			c.Cluster = ClusterConfig{URL: "redis://127.0.0.1", Name: "a b", Required: true}
		})},
		"mesh": {args: []string{"--cluster=mesh://127.0.0.1:1,127.0.0.1:2", "--cluster-listen", "127.0.0.1:1", "--cluster-prefix", "p", "--cluster-dir", "d"}, env: []string{"SOCKEYE_CLUSTER_REQUIRED", "off"}, want: with(func(c *Config) {
			c.Cluster = ClusterConfig{URL: "mesh://127.0.0.1:1,127.0.0.1:2", Listen: "127.0.0.1:1", Prefix: "p", Dir: "d"}
		})},
	} {
		got, err := Parse(c.args, env(c.env...), io.Discard)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestDevOnLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"": false, "0.0.0.0": false, "::": false, "192.0.2.1": false, "example.org": false,
		"localhost": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
	} {
		for dev, want := range map[string]bool{"": want, "on": true, "off": false} {
			if c := (&Config{Host: host, Dev: dev}); c.dev() != want {
				t.Errorf("host %q, dev %q: %v", host, dev, c.dev())
			}
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"--root-ws=kaazing":         "echo, append, counter",
		"--dev=yes":                 "on or off",
		"--port=http":               "0 to 65535",
		"--port=65536":              "0 to 65535",
		"--port=-1":                 "0 to 65535",
		"--nonsense":                "--help lists",
		"site":                      `"site" is neither an option nor a command`,
		"--csp=x":                   "--public",
		"--public=x --csp=a\x01b":   "printable",
		"--origins=a.example":       `"a.example" is not an origin`,
		"--origins=https://a/path":  "not an origin",
		"--client-ip-header=X":      "needs --trusted-proxies",
		"--origins=capacitor":       "capacitor://localhost",
		"--hosts=http://a.example":  "not a host",
		"--trusted-proxies=example": "neither an address nor a range",
		"--grace=0":                 "10s",
		"--grace=-1s":               "10s",
		"--log=loud":                "levels are",

		"--cluster=memcached://x":                       "write redis://",
		"--cluster=user:SECRET@host":                    "no URL of a backend",
		"--cluster=redis://":                            "no host",
		"--cluster=redis://:SECRET@h?x=SECRET":          "no parameter",
		"--cluster=nats://:4222":                        "HOST:PORT",
		"--cluster=mesh://a:1":                          "--cluster-listen",
		"--cluster=mesh://a:1 --cluster-listen=:1":      "--cluster-secret-file",
		"--cluster=mesh://a:1 --cluster-listen=x":       "HOST:PORT",
		"--cluster=redis://h --cluster-listen=:1":       "leave them out",
		"--cluster=nats://h --cluster-dir=d":            "leave it out, or write mesh://",
		"--cluster=nats://h?jetstream=off&storage=file": "write one of them",
		"--cluster=nats://h?replicas=0":                 "1, 3 or 5",
		"--cluster-dir=d":                               "write --cluster URL",
		"--cluster=mesh://127.0.0.1:1 --cluster-listen=127.0.0.1:1 --cluster-dir=config.go": "is no folder",
		"--cluster=redis://h --cluster-secret-file=config.go":                               "write --cluster-advertise http://HOST:PORT",
		"--cluster=redis://h --cluster-key=config.go":                                       "not signed",
		"--cluster=nats://h --cluster-key=missing":                                          "no such file",
		"--cluster=nats://h --cluster-key=/dev/null":                                        "openssl rand",
		"--cluster=mesh://a:1 --cluster-secret-file=/dev/null":                              "openssl rand",
		"--cluster-prefix=x":                                                         "write --cluster URL",
		"--cluster-advertise=a:1":                                                    "write --cluster URL",
		"--cluster=redis://h --cluster-advertise=a:1":                                "write --cluster-secret-file FILE",
		"--cluster=redis://h --cluster-advertise=a":                                  "write http://HOST:PORT",
		"--cluster=redis://h --cluster-advertise=ws://a:1":                           "write http://HOST:PORT",
		"--cluster=redis://h --cluster-advertise=http://a:1/x":                       "write http://HOST:PORT",
		"--cluster=redis://h --cluster-advertise=0.0.0.0:1":                          "where to listen",
		"--cluster=redis://h --cluster-advertise=a:0":                                "from 1 to 65535",
		"--cluster=nats://h --cluster-advertise=a:1 --cluster-secret-file=missing":   "no such file",
		"--cluster=nats://h --cluster-advertise=a:1 --cluster-secret-file=/dev/null": "openssl rand",
		"--cluster=redis://h --cluster-prefix=\x01":                                  "a word",
		"--cluster=redis://h --cluster-required=maybe":                               "on or off",
	} {
		if _, err := Parse(strings.Fields(args), env(), io.Discard); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", args, err)
		}
	}
	if _, err := Parse(nil, env("PORT", "x"), io.Discard); err == nil || !strings.HasPrefix(err.Error(), "PORT: ") {
		t.Errorf("PORT: %v", err)
	}
}

func TestHelp(t *testing.T) {
	var b strings.Builder
	if _, err := Parse([]string{"--help"}, env(), &b); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v", err)
	}
	for _, o := range options() {
		if !strings.Contains(b.String(), strings.TrimSpace("--"+o.name+" "+o.value)) || !strings.Contains(b.String(), "environment: "+o.env+"\n") {
			t.Errorf("help lacks %s", o.name)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 100 {
			t.Errorf("long line: %s", line)
		}
	}
}
