package socketio

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

var (
	// ErrTooManyClaims: 100,000 claims are held; see [Server.Claim].
	ErrTooManyClaims = errors.New("socketio: too many claims are held")
	// ErrNotConnected: the broker of the cluster cannot be asked now; see
	// [Server.Claim].
	ErrNotConnected = errors.New("socketio: the cluster's broker is away")

	errClaimKey = errors.New("socketio: Claim: a key has 1 to 1024 bytes")
	errClaimTTL = errors.New("socketio: Claim: a claim lasts for a millisecond or more")
)

const (
	maxClaims   = 100_000
	maxClaimKey = 1024
)

// Claim takes a key for a while, for one among all servers of the cluster: it
// returns true to the one call that comes first, and false to all others until ttl
// is over. It is for what every server hears and one must do:
//
//	if mine, err := srv.Claim(ctx, "webhook "+id, time.Hour); mine {
//
// With Redis, PostgreSQL, a log of JetStream (on NATS, or in a mesh) and on a
// server alone it is true for at most one call, whatever the servers know of one
// another. Its claims end with the broker's memory: a Redis that is replaced by an
// empty one, or by a replica that had not heard of them yet, has none. JetStream
// counts whole seconds, rounded up. On NATS and in a mesh without a log the server
// with the lowest id takes all claims, so one that is not asked there is nobody's:
// ask on all servers; while servers come, go or cannot see one another two may be
// the lowest, or none.
//
// A key has 1 to 1,024 bytes, and ttl is a millisecond or more; all else is an
// error.
//
// An error says that it is not known whose the key is: the claim may be lost
// for ttl. The question ends with ctx, or after ClusterOptions.AnswerTimeout if
// that has no deadline. A claim cannot be given back.
//
// A server alone holds 100,000 claims; one more is [ErrTooManyClaims]. If the
// broker is away it is [ErrNotConnected], or what the backend says.
func (srv *Server) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	switch {
	case key == "" || len(key) > maxClaimKey:
		return false, errClaimKey
	case ttl < time.Millisecond:
		return false, errClaimTTL
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c := srv.cluster
	if c == nil {
		return srv.claims.take(key, ttl)
	}
	if c.claimer != nil {
		if _, bounded := ctx.Deadline(); !bounded && srv.opts.ClusterOptions.AnswerTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, srv.opts.ClusterOptions.AnswerTimeout)
			defer cancel()
		}
		if mine, err := c.claimer.Claim(ctx, key, ttl); !errors.Is(err, adapter.ErrNoClaims) {
			return mine, err
		}
	}
	switch {
	case c.core.State().Connection != adapter.Up:
		return false, ErrNotConnected
	case !c.core.Lowest():
		return false, nil
	}
	return srv.claims.take(key, ttl)
}

// claims are those that this server holds.
type claims struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func (c *claims) take(key string, ttl time.Duration) (bool, error) {
	now, k := time.Now(), sha256.Sum256([]byte(key))
	c.mu.Lock()
	defer c.mu.Unlock()
	if until, held := c.until[k]; held && now.Before(until) {
		return false, nil
	} else if !held && len(c.until) >= maxClaims {
		for k, until := range c.until {
			if !now.Before(until) {
				delete(c.until, k)
			}
		}
		if len(c.until) >= maxClaims {
			return false, ErrTooManyClaims
		}
	}
	if c.until == nil {
		c.until = make(map[[sha256.Size]byte]time.Time)
	}
	c.until[k] = now.Add(ttl)
	return true, nil
}
