package engineio

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// ask has a server tell what it makes of its request's context, as change left
// it.
func ask(t *testing.T, tune func(*http.Server), change func(context.Context) context.Context) (ctx, kept context.Context) {
	t.Helper()
	var c contexts
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx = change(r.Context())
		kept = c.keep(ctx)
		if again := c.keep(ctx); isPlain(kept) && again != kept {
			t.Error("not shared")
		}
	}))
	if tune != nil {
		tune(s.Config)
	}
	s.Start()
	defer s.Close()
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return ctx, kept
}

func isPlain(ctx context.Context) bool { _, ok := ctx.(*serverContext); return ok }

type key struct{}

func TestPlainContext(t *testing.T) {
	same := func(ctx context.Context) context.Context { return ctx }
	ctx, kept := ask(t, nil, same)
	if !isPlain(kept) {
		t.Errorf("net/http's own context is not recognised: %v", ctx)
	}
	for _, k := range []any{http.ServerContextKey, http.LocalAddrContextKey, key{}} {
		if kept.Value(k) != ctx.Value(k) {
			t.Errorf("%v is %v, was %v", k, kept.Value(k), ctx.Value(k))
		}
	}
	if ctx.Err() == nil || kept.Err() != nil || kept.Done() != nil {
		t.Error("it ends, or the request's has not")
	}
	if _, ok := kept.Deadline(); ok {
		t.Error("it has a deadline")
	}
}

func TestOtherContexts(t *testing.T) {
	value := func(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, "mine") }
	for name, c := range map[string]struct {
		tune   func(*http.Server)
		change func(context.Context) context.Context
	}{
		"middleware": {nil, value},
		"hidden": {nil, func(ctx context.Context) context.Context {
			ctx, cancel := context.WithTimeout(value(ctx), time.Minute)
			t.Cleanup(cancel)
			return ctx
		}},
		"own type": {nil, func(ctx context.Context) context.Context { return struct{ context.Context }{value(ctx)} }},
		"ConnContext": {func(s *http.Server) {
			s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return value(ctx) }
		}, func(ctx context.Context) context.Context { return ctx }},
		"BaseContext": {func(s *http.Server) {
			s.BaseContext = func(net.Listener) context.Context { return value(context.Background()) }
		}, func(ctx context.Context) context.Context { return ctx }},
	} {
		t.Run(name, func(t *testing.T) {
			if _, kept := ask(t, c.tune, c.change); kept.Value(key{}) != "mine" || kept.Err() != nil {
				t.Errorf("value %v, %v", kept.Value(key{}), kept.Err())
			}
		})
	}
}
