package ginio_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

const (
	whoAmI  socketio.Call[socketio.None, string] = "who am I"
	goodbye socketio.Event[string]               = "goodbye"
)

// docs:gin
// application is what main would serve: Gin with a login, and Socket.IO behind it.
func application() (http.Handler, *socketio.Server) {
	srv := socketio.New(nil)
	whoAmI.On(srv, func(ctx context.Context, s *socketio.Socket, _ socketio.None) (string, error) {
		name, ok := ginio.Value[string](ctx, "user")
		if !ok {
			return "", socketio.Errorf("unknown", "please log in")
		}
		return name, nil
	})
	router := gin.New()
	router.Use(func(c *gin.Context) {
		switch name := c.GetHeader("X-User"); name {
		case "":
		case "mallory":
			c.AbortWithStatus(http.StatusForbidden)
		default:
			c.Set("user", name)
		}
	})
	ginio.Mount(router, srv)
	return router, srv
}

func TestWhoAmI(t *testing.T) {
	router, srv := application()
	t.Cleanup(func() { srv.Close() })
	server := socketiotest.Serve(t, router)
	ann := server.Connect(&socketiotest.Options{Header: http.Header{"X-User": {"ann"}}})
	if name, err := socketiotest.Ask(ann, whoAmI, socketio.None{}); err != nil || name != "ann" {
		t.Error(name, err)
	}
}

// docs:end

func TestStrangers(t *testing.T) {
	for _, transport := range []string{socketiotest.WebSocket, socketiotest.Polling, socketiotest.Upgrade} {
		router, srv := application()
		t.Cleanup(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
		server := socketiotest.Serve(t, router)
		c := server.Connect(&socketiotest.Options{Transport: transport})
		if _, err := socketiotest.Ask(c, whoAmI, socketio.None{}); err == nil || err.Error() != "unknown: please log in" {
			t.Errorf("%s: %v", transport, err)
		}
		_, err := server.Dial(&socketiotest.Options{Transport: transport, Header: http.Header{"X-User": {"mallory"}}})
		if refused, ok := err.(*socketiotest.HTTPError); !ok || refused.Status != http.StatusForbidden {
			t.Errorf("%s: the middleware's refusal arrives as %v", transport, err)
		}
	}
}

// docs:faults
func TestIdleVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is fake in here
		router, srv := application()
		t.Cleanup(func() { srv.Close() })
		visitor := socketiotest.Serve(t, router).Connect(nil)
		time.AfterFunc(time.Hour, func() { goodbye.Emit(srv, "you have been idle for an hour") })
		time.Sleep(time.Hour) // takes no time
		if got := socketiotest.Next(visitor, goodbye); got != "you have been idle for an hour" {
			t.Error(got)
		}
		visitor.StopPongs() // the laptop's lid is closed
		time.Sleep(time.Minute)
		if n := srv.SocketCount(); n != 0 {
			t.Errorf("%d visitors are still there", n)
		}
	})
}

// docs:end
