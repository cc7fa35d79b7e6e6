package socketio_test

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

type user struct {
	Name string `json:"name" binding:"required,max=40"`
}

const (
	rename socketio.Call[user, string] = "rename"
	vote   socketio.Call[string, bool] = "vote"
)

func ExampleCall() {
	srv := socketio.New(nil)
	// docs:answer
	rename.On(srv, func(ctx context.Context, s *socketio.Socket, u user) (string, error) {
		if u.Name == "root" {
			return "", socketio.Errorf("taken", "%q is taken", u.Name)
		}
		return "hello " + u.Name, nil
	})
	// docs:end
	srv.Close()
}

func ExampleSocket_EmitWithAck() {
	srv := socketio.New(nil)
	// docs:ask
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		yes, err := vote.EmitWithAck(ctx, s, "lunch?")
		switch {
		case errors.Is(err, socketio.ErrAckTimeout):
			log.Print("no answer")
		case err != nil:
			log.Print("gone, or an answer of another kind: ", err)
		default:
			log.Print("lunch: ", yes)
		}
	})
	// docs:end
	srv.Close()
}

func ExampleCall_Collect() {
	srv := socketio.New(nil)
	ctx := context.Background()
	// docs:collect
	ayes := 0
	for yes, err := range vote.Collect(ctx, srv.To("jury").Timeout(10*time.Second), "guilty?") {
		var missing *socketio.MissingAcksError
		switch {
		case errors.As(err, &missing):
			log.Printf("%d did not answer", missing.Missing)
		case err == nil && yes:
			ayes++
		}
	}
	// docs:end
	_ = ayes
	srv.Close()
}

func ExampleNamespace_On() {
	srv := socketio.New(nil)
	// docs:untyped
	srv.On("move", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		var x, y int
		if err := r.Scan(&x, &y); err != nil {
			return err
		}
		return r.Ack("moved", x+y) // any number of values; nothing is sent if the client wants none
	})
	// docs:end
	srv.Close()
}
