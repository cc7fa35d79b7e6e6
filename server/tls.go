package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"
)

var tlsOptions = []option{
	{"tls-cert", "FILE", "SOCKEYE_TLS_CERT", "serve https with the certificates in FILE, PEM, own first; it is read\nagain when it changes", func(c *Config, text string) error {
		c.TLSCert = text
		return nil
	}},
	{"tls-key", "FILE", "SOCKEYE_TLS_KEY", "the certificate's key, PEM, for nobody else to read", func(c *Config, text string) error {
		c.TLSKey = text
		return nil
	}},
}

// checkTLS looks whether https can be served as it was asked for.
func (c Config) checkTLS() error {
	switch {
	case c.TLSCert == "" && c.TLSKey == "":
		return nil
	case c.TLSCert == "":
		return errors.New("--tls-key is without its certificate: write --tls-cert FILE too")
	case c.TLSKey == "":
		return errors.New("--tls-cert is without its key: write --tls-key FILE too")
	}
	info, err := os.Stat(c.TLSKey)
	if err != nil {
		return fmt.Errorf("--tls-key: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("--tls-key: everybody on this machine may read %s: chmod o= %s", c.TLSKey, c.TLSKey)
	}
	if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
		return fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return nil
}

// certificate is one that is read again when its files change.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	now     *tls.Certificate
	changed [2]time.Time // of the files, when they were read last
	looked  time.Time
}

// lookEvery is how old what handshakes get may be.
const lookEvery = time.Second

// get is for tls.Config. Files that cannot be used leave what was there before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil && time.Since(c.looked) < lookEvery {
		return c.now, nil
	}
	c.looked = time.Now()
	changed, err := c.times()
	if err == nil && c.now != nil && changed == c.changed {
		return c.now, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile); err == nil {
			if c.now != nil {
				c.log.Info("the certificate has changed", "file", c.certFile)
			}
			c.now, c.changed = &pair, changed
			return c.now, nil
		}
	}
	if c.now == nil {
		return nil, err
	}
	c.log.Warn("the certificate cannot be read again: the one from before stays", "file", c.certFile, "error", err)
	return c.now, nil
}

func (c *certificate) times() (all [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		var info fs.FileInfo
		if info, err = os.Stat(name); err != nil {
			return all, err
		}
		all[i] = info.ModTime()
	}
	return all, nil
}

// encrypted is how https is served, nil without certificates.
func (s *Server) encrypted() *tls.Config {
	if s.config.TLSCert == "" {
		return nil
	}
	c := &certificate{certFile: s.config.TLSCert, keyFile: s.config.TLSKey, log: s.log}
	return &tls.Config{GetCertificate: c.get, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
}
