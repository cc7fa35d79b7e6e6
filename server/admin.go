package server

import (
	"errors"
	"fmt"

	"github.com/sockeye-io/sockeye/inspect"
	"github.com/sockeye-io/sockeye/internal/gate"
)

var adminOptions = []option{
	{"admin", "USER:HASH", "SOCKEYE_ADMIN", "open /inspect/ to who knows the password with this bcrypt hash, which\nsockeye hash prints; in a shell, in single quotes", func(c *Config, text string) error {
		c.Admin = text
		_, err := gate.New(text, nil)
		return err
	}},
	{"admin-readonly", "", "SOCKEYE_ADMIN_READONLY", "who is let in by --admin may look, and change nothing", func(c *Config, text string) error {
		c.AdminReadOnly = text == "true" || text == "1" || text == "on"
		return nil
	}},
}

// checkAdmin looks at the options above together.
func (c Config) checkAdmin() error {
	if c.AdminReadOnly && c.Admin == "" {
		return errors.New("--admin-readonly is of --admin, which is missing")
	}
	return nil
}

// serveAdmin mounts the inspection, if somebody may look.
func (s *Server) serveAdmin() error {
	if s.config.Admin == "" {
		return nil
	}
	if _, err := gate.New(s.config.Admin, s.log); err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	s.inspector = inspect.Mount(s.engine, "/inspect/", s.io, &inspect.Options{Credential: s.config.Admin, ReadOnly: s.config.AdminReadOnly, Name: s.config.Cluster.Name})
	return nil
}
