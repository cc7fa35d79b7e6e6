package namespaces

import (
	"context"
	"net/http"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
)

// OriginProbe has the server shake hands with itself.
const OriginProbe socketio.Call[Attempt, Verdict] = "probe"

// Attempt is a handshake to try.
type Attempt struct {
	Origin    string `json:"origin"`
	Transport string `json:"transport"`
}

// Verdict is what came of it.
type Verdict struct {
	Allowed bool `json:"allowed"`
	Status  int  `json:"status"`
}

// Origin shows which requests the server lets in. It makes them for real:
// through the same ServeHTTP as everybody's, at the host that the asking page
// was served from. They name a session that does not exist, so one that is let
// in ends there, with another error than one whose origin is refused.
func Origin(ns *socketio.Namespace) {
	polite(ns, 5, 20)
	OriginProbe.On(ns, func(ctx context.Context, s *socketio.Socket, try Attempt) (v Verdict, err error) {
		if len(try.Origin) > 200 || strings.ContainsAny(try.Origin, "\r\n\x00") {
			return v, socketio.Errorf("origin", "this cannot be a header")
		}
		transport := "polling"
		if try.Transport == "websocket" {
			transport = "websocket"
		}
		io := ns.Server()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, io.Path()+"?EIO=4&sid=probe&transport="+transport, nil)
		if err != nil {
			return v, err
		}
		r.Host = s.Handshake().Header().Get("Host")
		r.RemoteAddr = s.Handshake().RemoteAddr()
		if try.Origin != "" {
			r.Header.Set("Origin", try.Origin)
		}
		if transport == "websocket" {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "websocket")
		}
		w := &answer{header: http.Header{}}
		io.ServeHTTP(w, r)
		return Verdict{Allowed: w.status != http.StatusForbidden, Status: w.status}, nil
	})
}

// answer is a http.ResponseWriter of which only the status matters.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
