package inspect

import "context"

// clientIP is the key of what Gin takes for the client's address.
type clientIP struct{}

func withClientIP(ctx context.Context, ip string) context.Context {
	return context.WithValue(ctx, clientIP{}, ip)
}
