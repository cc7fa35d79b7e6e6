package ginio_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/auth"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Whom the application knows is let in, until that ends; others read why not.
func TestIdentity(t *testing.T) {
	io := server(0)
	t.Cleanup(func() {
		if err := io.Close(); err != nil {
			t.Error(err)
		}
	})
	auth.New(auth.Options{Verify: ginio.Identity}).Protect(io.Of("/members"))
	io.Of("/members").OnConnect(func(_ context.Context, s *socketio.Socket) {
		id, _ := auth.Of(s)
		if err := s.Emit("welcome", id.User); err != nil {
			t.Error(err)
		}
	})
	router := gin.New()
	router.Use(ginio.Identify(func(c *gin.Context) (auth.Identity, error) {
		switch user := c.GetHeader("X-User"); user {
		case "":
			return auth.Identity{}, errors.New("nobody")
		case "banned":
			return auth.Identity{}, socketio.Errorf("banned", "not you")
		default:
			return auth.Identity{User: user}, nil
		}
	}))
	ginio.Mount(router, io)
	host := socketiotest.Serve(t, router)
	for user, want := range map[string]string{"ann": "", "": "please sign in", "banned": "not you"} {
		c := host.Connect(&socketiotest.Options{Header: http.Header{"X-User": {user}}}) // the root is not protected
		c, err := c.TryJoin("/members", nil)
		refused := (*socketiotest.ConnectError)(nil)
		if errors.As(err, &refused); (refused == nil) != (want == "") || refused != nil && refused.Message != want {
			t.Errorf("%q: %v", user, err)
		} else if refused == nil && c.Next("welcome").Arg(0).String() != `"ann"` {
			t.Errorf("%q is somebody else", user)
		}
	}
	c := host.Connect(&socketiotest.Options{Header: http.Header{"X-User": {"ann"}}})
	if _, err := c.TryJoin("/members", map[string]any{"token": "x"}); err == nil {
		t.Error("a token was taken that nobody has looked at")
	}
	if _, err := ginio.Identity(context.Background(), nil, ""); err == nil {
		t.Error("an identity out of nowhere")
	}
}
