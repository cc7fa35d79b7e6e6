package socketio_test

import (
	"context"
	"errors"
	"log"
	"net/http"

	"github.com/sockeye-io/sockeye/socketio"
)

type account struct{ Name string }

// verify stands for whatever checks a token in the application.
func verify(token string) (account, error) {
	if token == "" {
		return account{}, errors.New("no token")
	}
	return account{Name: "ada"}, nil
}

// docs:key
const me socketio.Key[account] = "me"

// docs:end

func ExampleNamespace_Use() {
	srv := socketio.New(nil)
	// docs:token
	signedIn := func(ctx context.Context, s *socketio.Socket) error {
		var auth struct {
			Token string `json:"token"`
		}
		if err := s.Handshake().DecodeAuth(&auth); err != nil {
			return socketio.Errorf("bad_auth", "auth must be {token: string}")
		}
		who, err := verify(auth.Token)
		if err != nil {
			log.Print(err)                                           // for us
			return socketio.Errorf("unauthorized", "please sign in") // for the client
		}
		me.Set(s, who)
		return nil
	}
	members := srv.Of("/members")
	members.Use(signedIn)
	members.On("whoami", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		who, _ := me.Get(s)
		return r.Ack(who.Name)
	})
	// docs:end
	srv.Close()
}

func ExampleHandshake_Context() {
	srv := socketio.New(nil)
	// docs:http
	type userKey struct{}
	session := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cookie, err := r.Cookie("session")
			if err != nil {
				http.Error(w, "sign in first", http.StatusUnauthorized)
				return
			}
			who := account{Name: cookie.Value} // look the session up here
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, who)))
		})
	}
	http.Handle("/socket.io/", session(srv))
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		who := ctx.Value(userKey{}).(account) // what the middleware has found out, for the life of the socket
		log.Print(who.Name, " is here")
	})
	// docs:end
	srv.Close()
}

func ExampleNamespace_UsePacket() {
	srv := socketio.New(nil)
	// docs:packet
	srv.UsePacket(func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		if r.Event() == "delete" && !s.InRoom("admins") {
			return socketio.Errorf("forbidden", "admins only")
		}
		return nil
	})
	srv.OnError(func(ctx context.Context, s *socketio.Socket, event string, err error) {
		if emitErr := s.Emit("refused", event, err.Error()); emitErr != nil {
			log.Print(emitErr)
		}
	})
	// docs:end
	srv.Close()
}
