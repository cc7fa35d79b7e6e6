package auth_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/auth"
)

// lookUp stands for whatever an application does with a token.
func lookUp(context.Context, string) (user string, until time.Time, err error) {
	return "ann", time.Now().Add(time.Hour), nil
}

func ExampleGuard() {
	srv := socketio.New(nil)
	defer srv.Close()
	// docs:guard
	guard := auth.New(auth.Options{
		Verify: func(ctx context.Context, s *socketio.Socket, token string) (auth.Identity, error) {
			user, until, err := lookUp(ctx, token)
			return auth.Identity{User: user, Expires: until}, err // of the error the client learns nothing
		},
	})
	members := srv.Of("/members")
	guard.Protect(members) // before its other middleware
	members.On("whoami", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		id, _ := auth.Of(s)
		return r.Ack(id.User)
	})
	// docs:end
	guard.SignOut("ann", "your password was changed")
	fmt.Println(auth.Room("ann"))
	// Output: user:ann
}
