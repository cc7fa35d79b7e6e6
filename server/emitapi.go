package server

import (
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio/emitapi"
)

var apiOptions = []option{
	{"api-token-file", "FILE", "SOCKEYE_API_TOKEN_FILE", "open /api/emit, /api/fetch and /api/disconnect to programs that know\na token in FILE, one on each line: openssl rand -hex 32 >FILE", func(c *Config, text string) error {
		c.APITokenFile = text
		return nil
	}},
}

// checkAPI looks whether there are tokens in the file.
func (c Config) checkAPI() error {
	if c.APITokenFile == "" {
		return nil
	}
	if _, err := emitapi.ReadTokens(c.APITokenFile); err != nil {
		return fmt.Errorf("--api-token-file: %w", err)
	}
	return nil
}

// serveAPI mounts the emit API, if there are tokens for it.
func (s *Server) serveAPI() error {
	if s.config.APITokenFile == "" {
		return nil
	}
	tokens, err := emitapi.ReadTokens(s.config.APITokenFile)
	if err != nil {
		return fmt.Errorf("--api-token-file: %w", err)
	}
	api, err := emitapi.New(s.io, emitapi.Options{Tokens: tokens})
	if err != nil {
		return fmt.Errorf("--api-token-file: %w", err)
	}
	s.engine.Any("/api/*rest", gin.WrapH(api))
	return nil
}
