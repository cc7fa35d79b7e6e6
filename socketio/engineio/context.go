package engineio

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"sync"
	"time"
)

// What net/http puts into a request's context by itself is two values, but the
// contexts that carry them take half a kilobyte, which an idle session would
// keep for good. Where the context is exactly that, and nobody has put anything
// else into it, sessions share a small one with the same values.

// serverContext has the values of net/http's own request contexts.
type serverContext struct {
	srv  *http.Server
	addr net.Addr
}

func (c *serverContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *serverContext) Done() <-chan struct{}       { return nil }
func (c *serverContext) Err() error                  { return nil }
func (c *serverContext) String() string              { return "engineio.Handshake.Context" }

func (c *serverContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return c.srv
	case http.LocalAddrContextKey:
		return c.addr
	}
	return nil
}

// contexts are those that sessions share: one for each local address, of which
// a server has few.
type contexts struct {
	mu   sync.Mutex
	list []*serverContext
}

// maxContexts bounds the shared ones; sessions beyond have their own.
const maxContexts = 64

// keep returns a context with the values of ctx that never ends.
func (c *contexts) keep(ctx context.Context) context.Context {
	srv, addr := plainContext(ctx)
	if srv == nil {
		return context.WithoutCancel(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, old := range c.list {
		if old.srv == srv && sameAddr(old.addr, addr) {
			return old
		}
	}
	own := &serverContext{srv, addr}
	if len(c.list) < maxContexts {
		c.list = append(c.list, own)
	}
	return own
}

func sameAddr(a, b net.Addr) bool {
	if x, ok := a.(*net.TCPAddr); ok {
		y, ok := b.(*net.TCPAddr)
		return ok && x.Port == y.Port && x.Zone == y.Zone && x.IP.Equal(y.IP)
	}
	return a.Network() == b.Network() && a.String() == b.String()
}

// plainContext returns the values of a context that net/http has made and
// nobody has added to; nil if it is any other: it has exactly the layers of
// net/http's, of which two hold values, and they are the two that it puts there.
// Should those layers ever change, contexts are kept as they are, and
// TestPlainContext fails.
func plainContext(ctx context.Context) (*http.Server, net.Addr) {
	srv, ok := ctx.Value(http.ServerContextKey).(*http.Server)
	if !ok || srv.BaseContext != nil || srv.ConnContext != nil {
		return nil, nil
	}
	addr, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return nil, nil
	}
	for _, layer := range plainLayers {
		if ctx = beneath(ctx, layer); ctx == nil {
			return nil, nil
		}
	}
	if ctx != context.Background() {
		return nil, nil
	}
	return srv, addr
}

// plainLayers are the types of net/http's layers, the uppermost first. They are
// structs of package context that embed the Context beneath.
var plainLayers = func() []reflect.Type {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	c, v := reflect.TypeOf(canceled), reflect.TypeOf(context.WithValue(context.Background(), http.ServerContextKey, 0))
	return []reflect.Type{c, c, v, v}
}()

// beneath is the context on which ctx stands; nil if ctx is of another type.
func beneath(ctx context.Context, layer reflect.Type) context.Context {
	v := reflect.ValueOf(ctx)
	if v.Type() != layer || v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	field := v.Elem().Field(0)
	if !field.CanInterface() {
		return nil
	}
	below, _ := field.Interface().(context.Context)
	return below
}
