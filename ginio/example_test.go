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
	srv := socketio.New(nil)
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		user, _ := ginio.Value[User](ctx, "user")
		s.Emit("welcome", user.Name)
	})

	router := gin.New()
	router.Use(func(c *gin.Context) { c.Set("user", User{Name: c.Query("name")}) })
	ginio.Mount(router, srv)

	// In a program: http.ListenAndServe(":3000", router). Short timeouts of the
	// application are fine.
	web := httptest.NewUnstartedServer(router)
	web.Config.ReadTimeout, web.Config.WriteTimeout = time.Second, time.Second
	web.Start()
	defer web.Close()
	defer srv.Close()

	client := newPoller(web.URL + "/socket.io/")
	defer client.close()
	fmt.Println(client.first(url.Values{"name": {"Ada"}}))
	// Output: 42["welcome","Ada"]
}

// A namespace that only users may enter. The refusal reaches the client as
// connect_error.
func ExampleValue() {
	srv := socketio.New(nil)
	srv.Use(func(ctx context.Context, s *socketio.Socket) error {
		if _, ok := ginio.Value[User](ctx, "user"); !ok {
			return socketio.Errorf("unauthorized", "please log in")
		}
		return nil
	})

	router := gin.New() // without the middleware above
	ginio.Mount(router, srv)
	web := httptest.NewServer(router)
	defer web.Close()
	defer srv.Close()

	client := newPoller(web.URL + "/socket.io/")
	defer client.close()
	fmt.Println(client.first(nil))
	// Output: 44{"data":{"code":"unauthorized"},"message":"please log in"}
}
