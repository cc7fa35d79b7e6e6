package emitapi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
)

// Options of a Handler. Zero values mean the defaults; there is no way to be
// without a bound.
type Options struct {
	// Tokens are the credentials, any of which is good: two while one is
	// replaced by the other. Each has 16 bytes at least.
	Tokens []string
	// MaxBody is how many bytes a request may have; 1 MiB.
	MaxBody int
	// MaxNames is how many rooms and exceptions it may name; 1,000.
	MaxNames int
	// MaxSockets is how many sockets fetch lists at most, and by default; 1,000.
	MaxSockets int
	// MaxConcurrent is how many requests are worked on at once; 64. One more is
	// answered 503.
	MaxConcurrent int
	// Timeout is how long other nodes may take to tell what was reached; 5 s. Then
	// the answer names those that have not.
	Timeout time.Duration
	// KeyTTL is how long the answer for an Idempotency-Key is kept; 10 minutes.
	// MaxKeys is how many are; 10,000. The oldest go first.
	KeyTTL  time.Duration
	MaxKeys int
	// Guesses is how many requests with a wrong token, or none, an address may
	// make in a minute; 10. Those above, right or wrong, are answered 429 until
	// the minute is over. An IPv6 network of 64 bits counts as one address;
	// behind a proxy name it in EngineOptions.TrustedProxies.
	Guesses int
}

// LeastToken is how many bytes a token has at least.
const LeastToken = 16

func (o *Options) resolve() error {
	if len(o.Tokens) == 0 {
		return errors.New("emitapi: Options.Tokens is empty: nobody could use it")
	}
	for i, t := range o.Tokens {
		if len(t) < LeastToken {
			return fmt.Errorf("emitapi: token %d of Options.Tokens has %d bytes, and one has %d or more: openssl rand -hex 32", i+1, len(t), LeastToken)
		}
		if strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("emitapi: token %d of Options.Tokens holds what a header cannot: take printable ASCII without spaces, openssl rand -hex 32", i+1)
		}
	}
	for _, f := range []struct {
		field *int
		value int
	}{{&o.MaxBody, 1 << 20}, {&o.MaxNames, 1000}, {&o.MaxSockets, 1000}, {&o.MaxConcurrent, 64}, {&o.MaxKeys, 10_000}, {&o.Guesses, 10}} {
		*f.field = max(*f.field, 0)
		option.Default(f.field, f.value)
	}
	o.Timeout, o.KeyTTL = max(o.Timeout, 0), max(o.KeyTTL, 0)
	option.Default(&o.Timeout, 5*time.Second)
	option.Default(&o.KeyTTL, 10*time.Minute)
	return nil
}

// ReadTokens reads tokens from a file, one on each line; empty lines and those
// that begin with # do not count. The error says what to write, and no token.
func ReadTokens(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var tokens []string
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			tokens = append(tokens, string(line))
		}
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%s holds no token: fill it with openssl rand -hex 32", file)
	}
	o := Options{Tokens: tokens}
	if err := o.resolve(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return tokens, nil
}
