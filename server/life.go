package server

import (
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

// life writes a line for each socket that comes and for each that leaves: why,
// what lay behind it, what it had done, and which handler was at work. The logger
// is limited, and what clients have written is quoted.
func life(log *slog.Logger) *socketio.Trace {
	return &socketio.Trace{
		Connected: func(s *socketio.Socket) {
			log.Info("socket connected", append(who(s), "transport", s.Transport(), "recovered", s.Recovered(), "notRecovered", s.RecoveryFailure())...)
		},
		Disconnected: func(s *socketio.Socket, reason socketio.DisconnectReason, cause error) {
			in, out := s.Traffic()
			detail := ""
			if cause != nil {
				detail = clip.Quoted(cause.Error())
			}
			log.Info("socket disconnected", append(who(s), "reason", string(reason), "detail", detail, "age", age(s), "transport", s.Transport(),
				"in", in, "out", out, "buffered", s.Buffered(), "handling", clip.Quoted(s.Handling()))...)
		},
	}
}

// who is a socket, as far as a line tells of it: not the whole id.
func who(s *socketio.Socket) []any {
	return []any{"socket", clip.ID(s.ID()), "namespace", clip.Quoted(s.Namespace().Name()), "client", s.Handshake().RemoteAddr()}
}

func age(s *socketio.Socket) time.Duration {
	return time.Since(s.Handshake().Time()).Round(time.Millisecond)
}
