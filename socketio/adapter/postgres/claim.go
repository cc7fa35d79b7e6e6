package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	claims       = "socket_io_claims"
	claimsSQL    = "CREATE TABLE IF NOT EXISTS " + claims + " (key bytea PRIMARY KEY, until timestamptz NOT NULL)"
	forgottenSQL = "DELETE FROM " + claims + " WHERE until < now() - interval '1 minute'"
)

// Claim implements [adapter.Claimer]: with a row of the table socket_io_claims,
// which is made if it is missing. The time is the server's.
func (a *Adapter) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	type answer struct {
		mine bool
		err  error
	}
	answered := make(chan answer, 1)
	a.mu.Lock()
	l := a.link
	if l != nil { // until then it does not end without us
		l.asking.Go(func() {
			mine, err := l.claim(key, ttl)
			answered <- answer{mine, err}
		})
	}
	a.mu.Unlock()
	if l == nil {
		return false, errDown
	}
	select {
	case got := <-answered:
		return got.mine, got.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (l *link) claim(key string, ttl time.Duration) (bool, error) {
	sum := sha256.Sum256([]byte(l.a.o.Prefix + "\x00" + key))
	ms := strconv.FormatInt((ttl + time.Millisecond - 1).Milliseconds(), 10)
	take := "INSERT INTO " + claims + " AS held (key, until) VALUES ($1, clock_timestamp() + interval '" + ms + " milliseconds')" +
		" ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE held.until <= clock_timestamp() RETURNING true"
	rows, err := l.pub.ask("", take, sum[:])
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P01" {
		if _, err = l.pub.ask("", claimsSQL); err == nil || made(err) {
			rows, err = l.pub.ask("", take, sum[:])
		}
	}
	l.a.claimed.Store(true)
	return err == nil && len(rows) == 1, err
}
