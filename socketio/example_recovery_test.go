package socketio_test

import (
	"context"
	"log"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

func ExampleRecovery() {
	// docs:recovery
	srv := socketio.New(&socketio.Options{
		Recovery: &socketio.Recovery{MaxDuration: 5 * time.Minute},
	})
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) {
		if s.Recovered() {
			return // id, rooms and data are back; if others see who is here, tell them
		}
		if why := s.RecoveryFailure(); why != "" {
			log.Printf("%s starts anew: %s", s.ID(), why)
		}
		if err := s.Join("lobby"); err != nil {
			log.Print(err)
		}
	})
	// docs:end
	srv.Close()
}
