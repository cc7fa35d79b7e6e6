package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/namespaces"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// rootPrograms are those that may answer at the address of the pages.
var rootPrograms = []string{"echo", "append", "counter"}

// serveSockets mounts the programs over plain WebSocket at /ws/ and their
// names. It returns the one for upgrade requests to "/": that which speaks the
// sub-protocol if it is offered, else the one that is configured.
func (s *Server) serveSockets() http.Handler {
	opts := s.options(s.log).Engine
	opts.Logger = s.log
	s.ws = websocket.New(&opts)
	at := map[string]http.Handler{}
	for name, endpoint := range namespaces.Sockets() {
		at[name] = s.ws.Handle(endpoint)
		s.engine.GET("/ws/"+name, gin.WrapH(at[name]))
	}
	chosen := at[s.config.RootWS]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, list := range r.Header.Values("Sec-WebSocket-Protocol") {
			for offer := range strings.SplitSeq(list, ",") {
				if strings.TrimSpace(offer) == namespaces.KaazingProtocol {
					at["kaazing"].ServeHTTP(w, r)
					return
				}
			}
		}
		chosen.ServeHTTP(w, r)
	})
}

// orSocket serves upgrade requests to "/" by socket, and the rest by pages.
func orSocket(socket, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && websocket.Requested(r) {
			socket.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}
