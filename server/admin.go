package server

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sockeye-io/sockeye/inspect"
	"github.com/sockeye-io/sockeye/inspect/adminui"
	"github.com/sockeye-io/sockeye/internal/gate"
)

var adminOptions = []option{
	{"admin", "USER:HASH", "SOCKEYE_ADMIN", "open /inspect/, and the namespace of Socket.IO's Admin UI, to who knows\nthe password with this bcrypt hash, which sockeye hash prints; in a\nshell, in single quotes", func(c *Config, text string) error {
		c.Admin = text
		_, err := gate.New(text, nil)
		return err
	}},
	{"admin-ui", "MODE", "SOCKEYE_ADMIN_UI", "what the Admin UI is told: production (numbers, the default),\ndevelopment (each socket and event, too) or off", func(c *Config, text string) error {
		if !slices.Contains([]string{"production", "development", "off"}, text) {
			return errors.New("the modes are production, development and off")
		}
		c.AdminUI = text
		return nil
	}},
	{"admin-readonly", "", "SOCKEYE_ADMIN_READONLY", "who is let in by --admin may look, and change nothing", func(c *Config, text string) (err error) {
		c.AdminReadOnly, err = onOff(text)
		return err
	}},
}

// checkAdmin looks at the options above together.
func (c Config) checkAdmin() error {
	if (c.AdminReadOnly || c.AdminUI != "") && c.Admin == "" {
		return errors.New("--admin-readonly and --admin-ui are of --admin, which is missing")
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
	s.inspector = inspect.Mount(s.engine, "/inspect/", s.io, &inspect.Options{Credential: s.config.Admin, ReadOnly: s.config.AdminReadOnly, Name: s.config.Cluster.Name, Frames: s.frames.choose})
	if s.config.AdminUI == "off" {
		return nil
	}
	var err error
	s.adminUI, err = adminui.New(s.io, &adminui.Options{Credential: s.config.Admin, ReadOnly: s.config.AdminReadOnly, Development: s.config.AdminUI == "development", Name: s.config.Cluster.Name})
	return err
}
