package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Config is what the command line and the environment say. The zero value is
// not usable: take DefaultConfig or Parse.
type Config struct {
	Host string // address to listen on; "" is every address
	Port int    // 0 picks a free one

	Public string // folder to serve instead of the embedded pages; "" serves those
	CSP    string // Content-Security-Policy for the pages in Public; "" sends none

	// Docs holds the documents served at /docs/ beside the embedded pages, laid out
	// as in the repository. It is no option; nil serves none.
	Docs fs.FS

	RootWS string // which program answers plain WebSockets at "/": echo, append or counter

	Origins        []string // sites besides our own that may connect; "*" is every site
	Hosts          []string // names under which we may be asked; none is every name
	ClientIPHeader string   // header in which TrustedProxies tell the client's address
	TrustedProxies []string // addresses or CIDR ranges

	Admin         string // USER:HASH of who may inspect; "" is nobody
	AdminReadOnly bool   // they may only look
	AdminUI       string // "production", also if "", "development" or "off"

	AllowEIO3 bool // clients 1.x and 2.x may connect

	TLSCert, TLSKey string // files of the certificate and its key; "" is plain HTTP

	APITokenFile string // tokens of the emit API, one on each line; "" is without it

	Cluster ClusterConfig

	Grace     time.Duration // how long stopping may take
	LogLevel  slog.Level
	LogFrames string // file that names whose frames are logged; "" is none
	Dev       string // "on" or "off"; "" is on if Host is a loopback address

	Version bool // print the version and stop
}

// DefaultConfig is the configuration without any option.
func DefaultConfig() Config {
	return Config{Port: 3000, RootWS: rootPrograms[0], Grace: 10 * time.Second, LogLevel: slog.LevelInfo}
}

// dev reports whether the log is to help who writes a program.
func (c *Config) dev() bool {
	if c.Dev != "" {
		return c.Dev == "on"
	}
	if c.Host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(c.Host)
	return err == nil && addr.Unmap().IsLoopback()
}

// options are all of them, in the order of --help.
func options() []option {
	return slices.Concat(ownOptions, tlsOptions, apiOptions, clusterOptions, adminOptions)
}

// option is one flag with the environment variable that means the same. Without a
// value it is a switch, and set is told "true".
type option struct {
	name, value, env, help string
	set                    func(c *Config, text string) error
}

var ownOptions = []option{
	{"port", "N", "PORT", "listen on port N (default 3000; 0 picks a free one)", func(c *Config, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 65535 {
			return errors.New("a port is a number from 0 to 65535")
		}
		c.Port = n
		return nil
	}},
	{"host", "ADDR", "SOCKEYE_HOST", "listen on this address only, such as 127.0.0.1 (default: all)", func(c *Config, text string) error {
		c.Host = text
		return nil
	}},
	{"public", "DIR", "SOCKEYE_PUBLIC", "serve the pages in DIR instead of the built-in ones", func(c *Config, text string) error {
		c.Public = text
		return nil
	}},
	{"csp", "POLICY", "SOCKEYE_CSP", "Content-Security-Policy for the pages in DIR (default: none)", func(c *Config, text string) error {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return errors.New("a policy is printable ASCII on one line")
		}
		c.CSP = text
		return nil
	}},
	{"root-ws", "NAME", "SOCKEYE_ROOT_WS", "program for plain WebSockets at ws://host:port/ itself:\necho (default), append or counter; all are at /ws/NAME too", func(c *Config, text string) error {
		if !slices.Contains(rootPrograms, text) {
			return errors.New("the programs are " + strings.Join(rootPrograms, ", "))
		}
		c.RootWS = text
		return nil
	}},
	{"origins", "LIST", "SOCKEYE_ORIGINS", "other sites whose pages may connect, separated by commas:\nhttps://app.example,https://*.app.example, or * for all", func(c *Config, text string) error {
		c.Origins = fields(text)
		_, err := engineio.ParseOrigins(c.Origins...)
		return err
	}},
	{"hosts", "LIST", "SOCKEYE_HOSTS", "names under which browsers may ask for this server, separated by\ncommas (default: all; addresses and localhost always are): against\nDNS rebinding where it has no login and is not for everybody", func(c *Config, text string) error {
		c.Hosts = fields(text)
		return engineio.Hosts(c.Hosts).Check()
	}},
	{"client-ip-header", "NAME", "SOCKEYE_CLIENT_IP_HEADER", "header in which trusted proxies tell the client's address\n(default X-Forwarded-For; Forwarded is understood too)", func(c *Config, text string) error {
		c.ClientIPHeader = text
		return nil
	}},
	{"trusted-proxies", "LIST", "SOCKEYE_TRUSTED_PROXIES", "addresses or ranges of the proxies to believe, such as 10.0.0.0/8:\nwhat address a client has, and for which host it asks", func(c *Config, text string) error {
		c.TrustedProxies = fields(text)
		for _, p := range c.TrustedProxies {
			_, addrErr := netip.ParseAddr(p)
			_, rangeErr := netip.ParsePrefix(p)
			if addrErr != nil && rangeErr != nil {
				return fmt.Errorf("%q is neither an address nor a range", p)
			}
			if r, err := netip.ParsePrefix(p); err == nil && r.Bits() == 0 {
				return fmt.Errorf("%s is everybody, who could then claim any address: name your proxies only", p)
			}
		}
		return nil
	}},
	{"allow-eio3", "", "SOCKEYE_ALLOW_EIO3", "let socket.io-client 1.x and 2.x connect, too", func(c *Config, text string) (err error) {
		c.AllowEIO3, err = onOff(text)
		return err
	}},
	{"grace", "TIME", "SOCKEYE_GRACE", "how long stopping may take (default 10s)", func(c *Config, text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return errors.New("a time is something like 10s or 1m30s")
		}
		c.Grace = d
		return nil
	}},
	{"log", "LEVEL", "SOCKEYE_LOG", "least level to log: debug, info (default), warn or error", func(c *Config, text string) error {
		if err := c.LogLevel.UnmarshalText([]byte(text)); err != nil {
			return errors.New("the levels are debug, info, warn and error")
		}
		return nil
	}},
	{"log-frames", "FILE", "SOCKEYE_LOG_FRAMES", "log each packet, without its payload, of whom FILE names: a namespace\n(/chat), an address, or the beginning of a socket's id; without FILE,\nor if it is empty, nobody's; " + framesRead, func(c *Config, text string) error {
		c.LogFrames = text
		return nil
	}},
	{"dev", "ON", "SOCKEYE_DEV", "on or off: tell of events and namespaces that there are not\n(default: on if --host is a loopback address)", func(c *Config, text string) error {
		if text != "on" && text != "off" {
			return errors.New("on or off")
		}
		c.Dev = text
		return nil
	}},
}

// onOff reads the value of a switch.
func onOff(text string) (bool, error) {
	switch text {
	case "on", "true", "1":
		return true, nil
	case "off", "false", "0":
		return false, nil
	}
	return false, errors.New("on or off")
}

// fields splits a list at its commas.
func fields(list string) []string {
	var all []string
	for f := range strings.SplitSeq(list, ",") {
		if f = strings.TrimSpace(f); f != "" {
			all = append(all, f)
		}
	}
	return all
}

// Parse reads the file, the environment and args (without the program's name):
// Load without the sources. Help goes to help, and then the error is flag.ErrHelp.
// Other errors are one line that tells which option is wrong and what it wants.
func Parse(args []string, getenv func(string) string, help io.Writer) (Config, error) {
	c, _, err := Load(args, getenv, help)
	return c, err
}

// check looks at options that make sense only together.
func (c Config) check() error {
	if c.CSP != "" && c.Public == "" {
		return errors.New("--csp is for the pages of --public; the built-in ones have their own")
	}
	if c.ClientIPHeader != "" && len(c.TrustedProxies) == 0 {
		return errors.New("--client-ip-header needs --trusted-proxies: the header is believed from those only")
	}
	if err := cmp.Or(c.checkTLS(), c.checkAdmin(), c.checkAPI()); err != nil {
		return err
	}
	return c.Cluster.check()
}

// Help is the text that --help prints.
func Help() string {
	var b strings.Builder
	b.WriteString(`Sockeye serves web pages and the Socket.IO namespaces behind them.

Usage: sockeye [options], or sockeye COMMAND

`)
	line := func(left, help, env string) {
		for i, part := range strings.Split(help, "\n") {
			if i > 0 {
				left = ""
			}
			fmt.Fprintf(&b, "  %-24s %s\n", left, part)
		}
		if env != "" {
			fmt.Fprintf(&b, "  %-24s   environment: %s\n", "", env)
		}
	}
	for _, o := range options() {
		line(strings.TrimSpace("--"+o.name+" "+o.value), o.help, o.env)
	}
	line("--config FILE", "take settings from FILE, TOML, named like these options", configEnv)
	line("--version", "print the version and stop", "")
	line("--help", "print this", "")
	b.WriteString(`
The command line wins over the environment, which wins over the file; sockeye
config prints what is in force, and from where. SIGINT (Ctrl+C) and SIGTERM stop
the server: clients are told and come back by themselves; a second one stops it
at once.

Beside the pages: /socket.io/ for clients, /healthz and /readyz for probes,
/metrics for Prometheus.
`)
	return b.String()
}
