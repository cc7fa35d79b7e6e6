package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// dialTime is how long a connection may take until it can be used.
const dialTime = 5 * time.Second

// master tells where the server is now.
func (o *Options) master(ctx context.Context) (addr string, err error) {
	if o.Sentinel == "" {
		return o.Addrs[0], nil
	}
	var errs []error
	for _, sentinel := range o.Addrs {
		addr, err := o.ask(ctx, sentinel)
		if err == nil {
			return addr, nil
		}
		errs = append(errs, fmt.Errorf("sentinel %w", err))
	}
	return "", errors.Join(errs...)
}

// ask asks one Sentinel. It does so on a connection of its own, as go-redis
// writes to standard error for each that is not there.
func (o *Options) ask(ctx context.Context, sentinel string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	as := Options{Username: o.SentinelUsername, Password: o.SentinelPassword, TLS: o.TLS}
	c, err := as.dial(ctx, sentinel)
	if err != nil {
		return "", err
	}
	defer c.close()
	defer context.AfterFunc(ctx, c.close)()
	v, err := c.do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", o.Sentinel)
	if err != nil {
		return "", err
	}
	if v == nil {
		return "", fmt.Errorf("%s: it knows no master %q", sentinel, o.Sentinel)
	}
	if parts, ok := v.([]any); ok && len(parts) == 2 {
		host, _ := parts[0].(string)
		if port, ok := parts[1].(string); ok {
			return net.JoinHostPort(host, port), nil
		}
	}
	return "", errProtocol
}

// client is for the commands that go beside the messages.
func (o *Options) client(addr, user, password string, db int) *goredis.Options {
	if o.via != nil {
		addr = o.via(addr)
	}
	c := &goredis.Options{
		Network: network(addr), Addr: addr, Username: user, Password: password, DB: db, TLSConfig: o.tls(addr),
		Protocol: 2, MaxRetries: -1, DialTimeout: 2 * time.Second, DialerRetries: 1, ReadTimeout: 3 * time.Second,
		ContextTimeoutEnabled: true, PoolSize: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	return c
}

func network(addr string) string {
	if strings.HasPrefix(addr, "/") {
		return "unix"
	}
	return "tcp"
}

func (o *Options) tls(addr string) *tls.Config {
	if o.TLS == nil || o.TLS.ServerName != "" {
		return o.TLS
	}
	c := o.TLS.Clone()
	c.ServerName, _, _ = net.SplitHostPort(addr)
	return c
}

// dial connects to the server at addr and signs in.
func (o *Options) dial(ctx context.Context, addr string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	opts := o.client(addr, "", "", 0)
	nc, err := goredis.NewDialer(opts)(ctx, opts.Network, opts.Addr)
	if err != nil {
		return nil, err
	}
	c := newConn(nc)
	stop := context.AfterFunc(ctx, c.close)
	err = o.signIn(c)
	if !stop() && err != nil {
		err = ctx.Err()
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return c, nil
}

// errReplica: the Sentinels named a server that is no master, or not any more.
var errReplica = errors.New("redis: that server is no master")

func (o *Options) signIn(c *conn) error {
	if o.Password != "" {
		args := []string{o.Password}
		if o.Username != "" {
			args = []string{o.Username, o.Password}
		}
		if _, err := c.do("AUTH", args...); err != nil {
			return err
		}
	}
	if o.DB != 0 {
		if _, err := c.do("SELECT", fmt.Sprint(o.DB)); err != nil {
			return err
		}
	}
	if o.Sentinel != "" {
		v, err := c.do("ROLE")
		if err != nil {
			return err
		}
		if role, ok := v.([]any); !ok || len(role) == 0 || role[0] != "master" {
			return errReplica
		}
	}
	_, err := c.do("PING")
	return err
}
