package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// verify takes tokens such as "ann 90s secret": who, for how long from now, and
// what the log must not have.
func verify(_ context.Context, _ *socketio.Socket, token string) (Identity, error) {
	f := strings.Fields(token)
	if len(f) != 3 {
		return Identity{}, errors.New("what is " + token)
	}
	if f[0] == "banned" {
		return Identity{}, socketio.Errorf("banned", "not you")
	}
	d, err := time.ParseDuration(f[1])
	if err != nil {
		return Identity{}, err
	}
	id := Identity{User: f[0]}
	if d != 0 {
		id.Expires = time.Now().Add(d).Round(0) // as a token has it
	}
	return id, nil
}

type fixture struct {
	guard *Guard
	srv   *socketio.Server
	host  *socketiotest.Server
	log   *bytes.Buffer
	mu    *sync.Mutex
}

func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func serve(t *testing.T, bus *adaptertest.Bus, recovery *socketio.Recovery, o Options) *fixture {
	f := &fixture{log: new(bytes.Buffer), mu: new(sync.Mutex)}
	opts := &socketio.Options{Logger: slog.New(slog.NewTextHandler(f, nil)), Recovery: recovery}
	if bus != nil {
		opts.Cluster = bus.Adapter(fmt.Sprint(&opts))
	}
	f.srv = socketio.New(opts)
	o.Verify = verify
	f.guard = New(o)
	f.guard.Protect(f.srv.Of("/"))
	f.srv.Of("/open")
	f.guard.Protect(f.srv.OfPattern(regexp.MustCompile(`^/team-\d+$`)))
	f.srv.OnConnect(func(_ context.Context, s *socketio.Socket) {
		id, ok := Of(s)
		_ = s.Emit("welcome", id.User, ok) // who is gone again is not greeted
	})
	f.host = socketiotest.Serve(t, f.srv)
	return f
}

func (f *fixture) connect(token, namespace, transport string) *socketiotest.Client {
	return f.host.Connect(&socketiotest.Options{Auth: map[string]any{"token": token}, Namespace: namespace, Transport: transport})
}

// try connects with this auth, which may be refused.
func (f *fixture) try(auth map[string]any) (*socketiotest.Client, error) {
	return f.host.Connect(&socketiotest.Options{Namespace: "/open"}).TryJoin("/", auth)
}

func inTime(t *testing.T, o Options, f func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, serve(t, nil, nil, o)) })
}

// reason waits for the end, which has to come after d, and returns what was told.
func reason(t *testing.T, c *socketiotest.Client, d time.Duration) string {
	t.Helper()
	start := time.Now()
	if d > 0 {
		time.Sleep(d - time.Second)
		if synctest.Wait(); !c.Connected() {
			t.Errorf("it has ended before %v", d)
		}
	}
	if why := c.Disconnected(); why != "io server disconnect" {
		t.Errorf("disconnected by %q", why)
	}
	if took := time.Since(start).Round(100 * time.Millisecond); took != d {
		t.Errorf("it ended after %v, not %v", took, d)
	}
	for _, e := range c.Events() {
		if e.Name == string(over) {
			var o ended
			e.Scan(&o)
			return o.Code
		}
	}
	t.Error("nothing was told")
	return ""
}

func TestRefused(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, f *fixture) {
		for token, want := range map[string]string{"secret1": "please sign in", "banned 1s secret2": "not you", "ann -1s secret3": "the token has ended", "": "please sign in"} {
			_, err := f.try(map[string]any{"token": token})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", token, err)
			}
		}
		f.host.Connect(&socketiotest.Options{Header: http.Header{"Authorization": {"bearer ann 1h x"}}}).Close()
		synctest.Wait()
		if n := len(f.guard.watches); n != 0 {
			t.Errorf("%d watches are left", n)
		}
	})
}

// A client that does nothing is warned, and told at the end.
func TestExpires(t *testing.T) {
	for _, transport := range []string{socketiotest.WebSocket, socketiotest.Polling} {
		inTime(t, Options{}, func(t *testing.T, f *fixture) {
			c := f.connect("ann 3m secret", "", transport)
			if e := c.Next("welcome"); e.Arg(0).String() != `"ann"` || e.Arg(1).String() != "true" {
				t.Error(e)
			}
			time.Sleep(2*time.Minute - time.Second)
			if e := c.Events(); len(e) != 0 {
				t.Errorf("too early: %v", e)
			}
			time.Sleep(2 * time.Second)
			if e := c.Next(string(expiring)); !e.WantsAck() || e.Arg(0).String() != `{"in":60000}` && e.Arg(0).String() != `{"in":59999}` && e.Arg(0).String() != `{"in":59998}` {
				t.Error(e)
			}
			if why := reason(t, c, 59*time.Second); why != "expired" {
				t.Error(why)
			}
			synctest.Wait()
			if n := len(f.guard.watches); n != 0 {
				t.Errorf("%d watches are left", n)
			}
			if strings.Contains(f.log.String(), "secret") || !strings.Contains(f.log.String(), "why=expired") {
				t.Errorf("log: %s", f.log)
			}
		})
	}
}

// A client that answers the warning, or asks by itself, stays, on the same
// connection.
func TestRefresh(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, f *fixture) {
		c, other := f.connect("ann 90s secret", "", ""), f.connect("ben 0s secret", "", "")
		asked := 0
		c.Handle(string(expiring), func(e *socketiotest.Event) {
			asked++
			e.Ack("ann 2m secret")
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if !c.Connected() || !other.Connected() || asked != 10 { // at 45 s, then each minute
			t.Errorf("connected: %v, %v; asked %d times", c.Connected(), other.Connected(), asked)
		}
		for token, want := range map[string]string{"ann 1h secret": "", "ben 1h secret": "another_user", "banned 1h x": "banned", "nonsense": "unauthorized", "ann -1s x": "expired"} {
			got, err := socketiotest.Ask(c, refresh, token)
			var told *socketio.Error
			if errors.As(err, &told) != (want != "") || told != nil && told.Code != want || want == "" && (got.In > 3600_000 || got.In < 3599_000) {
				t.Errorf("%q: %+v, %v", token, got, err)
			}
		}
		time.Sleep(59 * time.Minute)
		if asked > 11 || !c.Connected() {
			t.Errorf("asked %d times", asked)
		}
		if id, err := f.srv.To(Room("ann")).FetchSockets(t.Context()); err != nil || len(id) != 1 || id[0].Data()["auth"].(Identity).User != "ann" {
			t.Errorf("%v, %v", id, err)
		}
		if strings.Contains(f.log.String(), "secret") {
			t.Errorf("log: %s", f.log)
		}
	})
}

// Answers to the warning that are no good change nothing; too many wrong tokens
// end the socket.
func TestWrongTokens(t *testing.T) {
	for _, answer := range [][]any{nil, {7}, {""}, {"ben 1h x"}, {map[string]any{"x": 1}}} {
		inTime(t, Options{Warn: 10 * time.Second}, func(t *testing.T, f *fixture) {
			c := f.connect("ann 30s x", "", "")
			c.Handle(string(expiring), func(e *socketiotest.Event) { e.Ack(answer...) })
			if why := reason(t, c, 30*time.Second); why != "expired" {
				t.Errorf("%v: %s", answer, why)
			}
		})
	}
	inTime(t, Options{MaxWrong: 3}, func(t *testing.T, f *fixture) {
		c := f.connect("ann 1h x", "", "")
		for range 3 {
			if err := c.Emit(string(refresh), "wrong"); err != nil {
				t.Error(err)
			}
		}
		if why := reason(t, c, 0); why != "too_many" {
			t.Error(why)
		}
	})
}

// Nobody is asked with a negative Warn, and the end comes all the same; a client
// whose handler hangs ends in time, too.
func TestNoWarning(t *testing.T) {
	inTime(t, Options{Warn: -1}, func(t *testing.T, f *fixture) {
		f.srv.On("hang", func(ctx context.Context, _ *socketio.Socket, _ *socketio.Request) error {
			<-ctx.Done()
			return nil
		})
		c := f.connect("ann 30s x", "", "")
		if err := c.Emit("hang"); err != nil {
			t.Error(err)
		}
		c.Handle(string(expiring), func(*socketiotest.Event) { t.Error("asked") })
		if why := reason(t, c, 30*time.Second); why != "expired" {
			t.Error(why)
		}
	})
}

// Who has left before its token ends leaves nothing that waits for it.
func TestLeftBefore(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, f *fixture) {
		f.connect("ann 2m x", "", "").Close()
		time.Sleep(3 * time.Minute)
		if synctest.Wait(); strings.Contains(f.log.String(), "socket ended") {
			t.Errorf("log: %s", f.log)
		}
	})
}

// A user who signs out is out on all nodes, of namespaces too that only other
// nodes have; others stay.
func TestSignOut(t *testing.T) {
	for _, count := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var nodes []*fixture
			bus := adaptertest.NewBus()
			for range count {
				b := bus
				if count == 1 {
					b = nil
				}
				nodes = append(nodes, serve(t, b, nil, Options{}))
			}
			time.Sleep(time.Second)
			var out, in []*socketiotest.Client
			for i, n := range nodes {
				out = append(out, n.connect("ann 1h x", "", ""))
				in = append(in, n.connect("ben 1h x", "", ""))
				if i > 0 || count == 1 {
					out = append(out, n.connect("ann 0s x", fmt.Sprint("/team-", i), ""))
				}
			}
			time.Sleep(time.Second)
			nodes[0].guard.SignOut("ann", "your password was changed")
			for _, c := range out {
				if why := reason(t, c, 0); why != "signed_out" {
					t.Error(why)
				}
			}
			nodes[0].guard.SignOut("", "") // those without a name are not meant
			synctest.Wait()
			if slices.ContainsFunc(in, func(c *socketiotest.Client) bool { return !c.Connected() }) {
				t.Error("the wrong one is out")
			}
		})
	}
}

// Who comes back by recovery is verified: with a token that is good it goes on,
// and with one that has ended it does not.
func TestRecovered(t *testing.T) {
	for _, middleware := range []bool{false, true} {
		for token, stays := range map[string]bool{"ann 1h x": true, "ann 20s x": true, "wrong": false} {
			synctest.Test(t, func(t *testing.T) {
				f := serve(t, nil, &socketio.Recovery{RunMiddleware: middleware}, Options{})
				auth := map[string]any{"token": "ann 1h x"}
				c := f.host.Connect(&socketiotest.Options{Auth: auth})
				if err := f.srv.Emit("something"); err != nil { // from there it is recovered
					t.Fatal(err)
				}
				c.Next("something")
				id := c.ID()
				c.Cut()
				synctest.Wait()
				again, err := f.try(merged(c.Recovery(), map[string]any{"token": token}))
				if err != nil {
					if refused := (*socketiotest.ConnectError)(nil); stays || errors.As(err, &refused) != middleware {
						t.Errorf("%s: %v", token, err)
					}
					return
				}
				time.Sleep(time.Second)
				if synctest.Wait(); again.ID() != id || again.Connected() != stays {
					t.Errorf("%s, middleware %v: recovered %v, connected %v", token, middleware, again.ID() == id, again.Connected())
				}
				if time.Sleep(30 * time.Second); again.Connected() != (stays && token != "ann 20s x") {
					t.Errorf("%s: its end is not the token's", token)
				}
			})
		}
	}
}

func merged(maps ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func TestGuardNeedsVerify(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was made")
		}
	}()
	New(Options{})
}
