package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Claim implements [adapter.Claimer]: with a key of the server's that ends by
// itself.
func (a *Adapter) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	a.mu.Lock()
	l := a.link
	a.mu.Unlock()
	if l == nil {
		return false, errDown
	}
	return claim(ctx, l.client, a.o.claimKey(key), a.self.ID, ttl)
}

// Claim implements [adapter.Claimer]: with a key in the slot that it belongs to.
func (a *Sharded) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	key = a.o.claimKey(key)
	a.mu.Lock()
	var l *shardLink
	if sh := a.shardLocked(slotOf(key)); sh != nil {
		l = sh.link
	}
	a.mu.Unlock()
	if l == nil {
		return false, errDown
	}
	return claim(ctx, l.client, key, a.self.ID, ttl)
}

// claimKey is where a claim lies.
func (o *Options) claimKey(key string) string { return o.Prefix + "-claim#" + key }

// claim sets a key that is not there. The client tries once: what it does not
// know is an error.
func claim(ctx context.Context, client *goredis.Client, key, id string, ttl time.Duration) (bool, error) {
	ttl = (ttl + time.Millisecond - 1) / time.Millisecond * time.Millisecond
	err := client.SetArgs(ctx, key, id, goredis.SetArgs{Mode: "NX", TTL: ttl}).Err()
	if err == goredis.Nil {
		return false, nil
	}
	return err == nil, err
}
