package socketio_test

import (
	"fmt"
	"log"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

func ExampleTrace() {
	// docs:trace
	opts := &socketio.Options{Trace: &socketio.Trace{
		Dropped: func(s *socketio.Socket, event string, why socketio.Drop) {
			log.Printf("%s did not get %q: %s", s.ID(), event, why)
		},
	}}
	opts.Engine.Trace = &engineio.Trace{
		Abandoned: func(s *engineio.Session, messages int) {
			log.Printf("%d messages were still on their way to %s", messages, s.Handshake().RemoteAddr())
		},
	}
	srv := socketio.New(opts)
	// docs:end
	st := srv.Stats()
	fmt.Println(st.Sent, st.Dropped["queue full"], st.Engine.Delivered, st.Engine.Abandoned)
	srv.Close()
	// Output: 0 0 0 0
}
