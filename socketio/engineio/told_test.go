package engineio

import (
	"fmt"
	"net/http"
	"testing"
)

// books is what the server says of its sessions.
func books(srv *Server) string {
	st := srv.Stats()
	closed := uint64(0)
	for _, n := range st.Closed {
		closed += n
	}
	return fmt.Sprintf("%d sessions, %d polling, %d websocket (of revision 3: %d); %d upgraded, %d closed", st.Sessions, st.Polling, st.WebSocket, st.WebSocketEIO3, st.Upgraded, closed)
}

// A client that was told that its session is over may come back at once: there is
// room for it, also under the same id, and what the server counts is right, even
// while its own code is still busy with the end.
func TestWhoHasLeftCountsNoMore(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, r *rig){
		"it is closed, polling": func(t *testing.T, r *rig) {
			q, e := r.open(4)
			e.s.Close(ForcedServerClose)
			want(t, "poll", r.get(q), "200 1")
		},
		"two polls": func(t *testing.T, r *rig) {
			q, e := r.open(4)
			first := make(chan string)
			go func() { first <- r.get(q) }()
			r.waitPoll(e)
			want(t, "second", r.get(q), bad)
			want(t, "first", <-first, "200 1")
		},
		"it leaves, websocket": func(t *testing.T, r *rig) {
			s, _ := r.openWebSocket(4)
			s.write(8, "")
			want(t, "close", s.read(), "close 1005")
		},
		"it leaves, revision 3": func(t *testing.T, r *rig) {
			s, _ := r.openWebSocket(3)
			s.send("1")
			want(t, "close", s.read(), "close 1005")
		},
		"it is closed, websocket": func(t *testing.T, r *rig) {
			s, e := r.openWebSocket(4)
			e.s.Close(ForcedServerClose)
			want(t, "close", s.read(), "close 1005")
		},
	} {
		t.Run(name, func(t *testing.T) {
			end := make(chan struct{})
			everywhere(t, func() *Options {
				o := quiet()
				o.MaxSessions, o.MaxSessionsPerAddr = 1, 1
				o.GenerateID = func(*http.Request) (string, error) { return "always-the-same", nil }
				end = make(chan struct{})
				o.Trace = &Trace{Closed: func(*Session, Reason, error) { <-end }}
				return o
			}, func(t *testing.T, r *rig) {
				defer close(end)
				leave(t, r)
				want(t, "books", books(r.srv), "0 sessions, 0 polling, 0 websocket (of revision 3: 0); 0 upgraded, 1 closed")
				status, answer, _ := r.request("GET", "EIO=4&transport=polling", "")
				if status != 200 {
					t.Errorf("it comes back: %d %s", status, answer)
				}
				want(t, "books", books(r.srv), "1 sessions, 1 polling, 0 websocket (of revision 3: 0); 0 upgraded, 1 closed")
				if m := met(r.srv.Stats().Bounds); len(m) > 0 {
					t.Errorf("bounds counted: %v", m)
				}
			})
		})
	}
}

// A session that ends does not make room for another a second time: whoever could
// is asked until there is some.
func TestWhoHasEndedMakesNoRoom(t *testing.T) {
	inMemory(t, func() *Options {
		o := quiet()
		o.MaxSessions = 2
		return o
	}(), func(t *testing.T, r *rig) {
		var spare []*Session
		r.srv.MakeRoom(func() *Session {
			if len(spare) == 0 {
				return nil
			}
			s := spare[0]
			spare = spare[1:]
			return s
		})
		_, gone := r.open(4)
		gone.s.CloseNow(ForcedClose, nil)
		gone.end(t)
		_, idle := r.open(4)
		r.open(4)
		spare = []*Session{gone.s, idle.s}
		r.open(4)
		want(t, "reason", string(idle.end(t)), string(TransportError))
		want(t, "bounds", fmt.Sprint(met(r.srv.Stats().Bounds)), "map[MaxSessions:1]")
	})
}
