package interop

// Users who sign in by a session of gin-contrib/sessions or by a JWT, and stay
// signed in on their sockets for as long as either says.

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/auth"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

type app struct {
	secret []byte
	router *gin.Engine
	io     *socketio.Server
	guard  *auth.Guard
	tokens time.Duration // how long one lasts
}

func newApp(secret []byte) *app {
	a := &app{secret: secret, router: gin.New(), io: socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler)}), tokens: 5 * time.Minute}
	a.guard = auth.New(auth.Options{Verify: a.verify})
	a.guard.Protect(a.io.Of("/"))
	a.io.On("whoami", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		id, _ := auth.Of(s)
		return r.Ack(id.User)
	})

	// docs:session
	a.router.Use(sessions.Sessions("session", cookie.NewStore(secret)))
	a.router.Use(ginio.Identify(func(c *gin.Context) (auth.Identity, error) {
		user, _ := sessions.Default(c).Get("user").(string)
		until, _ := sessions.Default(c).Get("until").(int64)
		if user == "" {
			return auth.Identity{}, errors.New("no session")
		}
		return auth.Identity{User: user, Expires: time.Unix(until, 0)}, nil
	}))
	ginio.Mount(a.router, a.io)
	// docs:end

	a.router.POST("/login", a.login)
	a.router.POST("/logout", a.logout)
	a.router.GET("/token", a.token)
	return a
}

// verify takes a JWT, or whom the session says.
func (a *app) verify(ctx context.Context, s *socketio.Socket, token string) (auth.Identity, error) {
	if token == "" {
		return ginio.Identity(ctx, s, "")
	}
	return a.fromJWT(token)
}

// docs:jwt
func (a *app) fromJWT(token string) (auth.Identity, error) {
	claims := new(jwt.RegisteredClaims)
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return a.secret, nil },
		jwt.WithValidMethods([]string{"HS256"}), // never whatever the token says
		jwt.WithExpirationRequired())
	if err != nil {
		return auth.Identity{}, err // the client reads "please sign in"
	}
	return auth.Identity{User: claims.Subject, Expires: claims.ExpiresAt.Time}, nil
}

// docs:end

// login stands for whatever checks a password.
func (a *app) login(c *gin.Context) {
	s := sessions.Default(c)
	s.Set("user", c.PostForm("user"))
	s.Set("until", time.Now().Add(time.Hour).Unix())
	if err := s.Save(); err != nil {
		c.String(http.StatusInternalServerError, "the session cannot be kept\n")
		return
	}
	c.Status(http.StatusNoContent)
}

// docs:logout
func (a *app) logout(c *gin.Context) {
	s := sessions.Default(c)
	user, _ := s.Get("user").(string)
	s.Clear()
	if err := s.Save(); err != nil {
		c.String(http.StatusInternalServerError, "the session cannot be ended\n")
		return
	}
	a.guard.SignOut(user, "you have signed out") // on all nodes
	c.Status(http.StatusNoContent)
}

// docs:end

// token gives who has a session a JWT for its sockets: what auth:expiring is
// answered with.
func (a *app) token(c *gin.Context) {
	user, _ := sessions.Default(c).Get("user").(string)
	if user == "" {
		c.String(http.StatusUnauthorized, "please sign in\n")
		return
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: user, ExpiresAt: jwt.NewNumericDate(time.Now().Add(a.tokens)),
	}).SignedString(a.secret)
	if err != nil {
		c.String(http.StatusInternalServerError, "no token could be made\n")
		return
	}
	c.String(http.StatusOK, token)
}

// quiet is asked for by tests that run at once.
var quiet = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

func startApp(t *testing.T) *app {
	quiet()
	a := newApp([]byte("0123456789abcdef0123456789abcdef"))
	a.io.Of("/open") // for those who are to be refused at "/"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := a.io.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return a
}

// do asks with a cookie, and returns the answer and the cookie that it sets.
func (a *app) do(t *testing.T, method, path, body, cookie string, want int) (text, set string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	a.router.ServeHTTP(w, r)
	all, err := io.ReadAll(w.Body)
	if err != nil || w.Code != want {
		t.Fatalf("%s: %d %s, %v", path, w.Code, all, err)
	}
	set, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return string(all), set
}

func (a *app) signIn(t *testing.T, user string) (cookie string) {
	_, cookie = a.do(t, "POST", "/login", url.Values{"user": {user}}.Encode(), "", http.StatusNoContent)
	return cookie
}

// A session is enough to connect, and signing out ends the socket.
func TestAuthBySession(t *testing.T) {
	t.Parallel()
	a := startApp(t)
	host := socketiotest.Serve(t, a.router)
	cookie := a.signIn(t, "ann")
	c := host.Connect(&socketiotest.Options{Header: http.Header{"Cookie": {cookie}}})
	if got := c.Ask("whoami").Arg(0).String(); got != `"ann"` {
		t.Error(got)
	}
	for _, cookie := range []string{"", "session=forged"} {
		_, err := host.Connect(&socketiotest.Options{Namespace: "/open", Header: http.Header{"Cookie": {cookie}}}).TryJoin("/", nil)
		if refused := (*socketiotest.ConnectError)(nil); !errors.As(err, &refused) || refused.Message != "please sign in" {
			t.Errorf("%q: %v", cookie, err)
		}
	}
	a.do(t, "POST", "/logout", "", cookie, http.StatusNoContent)
	if why := c.Disconnected(); why != "io server disconnect" {
		t.Error(why)
	}
}

// A JWT is enough too, is renewed on the socket, and one that somebody else has
// made, or that says how it is to be looked at, is none.
func TestAuthByJWT(t *testing.T) {
	t.Parallel()
	a := startApp(t)
	host := socketiotest.Serve(t, a.router)
	cookie := a.signIn(t, "ann")
	a.tokens = slow.Stretch(2 * time.Second) // it is asked for at once, and again
	token, _ := a.do(t, "GET", "/token", "", cookie, http.StatusOK)
	c := host.Connect(&socketiotest.Options{Auth: map[string]any{"token": token}})
	asked := make(chan struct{}, 10)
	c.Handle("auth:expiring", func(e *socketiotest.Event) {
		a.tokens = time.Hour
		token, _ := a.do(t, "GET", "/token", "", cookie, http.StatusOK)
		e.Ack(token)
		asked <- struct{}{}
	})
	<-asked
	if got := c.Ask("whoami").Arg(0).String(); got != `"ann"` {
		t.Error(got)
	}
	claims := jwt.RegisteredClaims{Subject: "ann", ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour))}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("another secret of enough bytes!!"))
	if err != nil {
		t.Fatal(err)
	}
	claims.ExpiresAt = nil
	endless, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(a.secret)
	if err != nil {
		t.Fatal(err)
	}
	open := host.Connect(&socketiotest.Options{Namespace: "/open"})
	for name, bad := range map[string]string{"unsigned": unsigned, "foreign": foreign, "endless": endless, "cut": token[:len(token)-3]} {
		_, err := open.TryJoin("/", map[string]any{"token": bad})
		if refused := (*socketiotest.ConnectError)(nil); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var told *socketio.Error
	if _, err := socketiotest.Ask(c, socketio.Call[string, map[string]any]("auth:refresh"), foreign); !errors.As(err, &told) || told.Code != "unauthorized" {
		t.Error(err)
	}
}

// A client that others have made is warned, answers, and stays on its
// connection until its user signs out.
func TestAuthOfOthersClient(t *testing.T) {
	t.Parallel()
	a := startApp(t)
	ts := httptest.NewServer(a.router)
	t.Cleanup(ts.Close)
	cookie := a.signIn(t, "ann")
	a.tokens = slow.Stretch(2 * time.Second)
	token, _ := a.do(t, "GET", "/token", "", cookie, http.StatusOK)
	a.tokens = time.Hour
	longer, _ := a.do(t, "GET", "/token", "", cookie, http.StatusOK)

	opts := socket.DefaultOptions()
	opts.SetForceNew(true)
	opts.SetReconnection(false)
	opts.SetAutoConnect(false)
	opts.SetTransports(types.NewSet(transports.WebSocket))
	opts.SetAuth(map[string]any{"token": token})
	s, err := socket.Connect(ts.URL, opts)
	if err != nil {
		t.Fatal(err)
	}
	renewed, gone := make(chan bool, 1), make(chan any, 2)
	s.On("connect_error", func(args ...any) { t.Error(args...) })
	s.On("auth:expiring", func(args ...any) {
		answer, ok := args[len(args)-1].(func([]any, error))
		if ok {
			answer([]any{longer}, nil)
		}
		renewed <- ok
	})
	s.On("disconnect", func(args ...any) { gone <- args[0] })
	s.Connect()
	if !next(t, "warning", renewed) {
		t.Fatal("the warning wants no answer")
	}
	who := make(chan []any, 1)
	if err := s.Emit("whoami", func(args []any, err error) { who <- append(args, err) }); err != nil {
		t.Fatal(err)
	}
	if got := next(t, "answer", who); got[0] != "ann" {
		t.Error(got)
	}
	a.do(t, "POST", "/logout", "", cookie, http.StatusNoContent)
	next(t, "end", gone) // this client forgets what came just before the connection's end
}
