package ginio_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
)

// User is what an application's login middleware knows.
type User struct{ Name string }

func ExampleMount() {
	io := socketio.New(nil)
	io.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		user, _ := ginio.Value[User](ctx, "user")
		s.Emit("welcome", user.Name)
	})

	router := gin.New()
	router.Use(func(c *gin.Context) { c.Set("user", User{Name: c.Query("name")}) })
	ginio.Mount(router, io)

	// In a program: http.ListenAndServe(":3000", router). Short timeouts of the
	// application are fine.
	srv := httptest.NewUnstartedServer(router)
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = time.Second, time.Second
	srv.Start()
	defer srv.Close()
	defer io.Close()

	client := newPoller(srv.URL + "/socket.io/")
	defer client.close()
	fmt.Println(client.first(url.Values{"name": {"Ada"}}))
	// Output: 42["welcome","Ada"]
}

// A namespace that only users may enter. The refusal reaches the client as
// connect_error.
func ExampleValue() {
	io := socketio.New(nil)
	io.Use(func(ctx context.Context, s *socketio.Socket) error {
		if _, ok := ginio.Value[User](ctx, "user"); !ok {
			return socketio.Errorf("unauthorized", "please log in")
		}
		return nil
	})

	router := gin.New() // without the middleware above
	ginio.Mount(router, io)
	srv := httptest.NewServer(router)
	defer srv.Close()
	defer io.Close()

	client := newPoller(srv.URL + "/socket.io/")
	defer client.close()
	fmt.Println(client.first(nil))
	// Output: 44{"data":{"code":"unauthorized"},"message":"please log in"}
}
