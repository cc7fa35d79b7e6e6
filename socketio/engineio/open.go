package engineio

import (
	"net/http"
	"strconv"

	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
)

// open makes a new session, whose receiver has accepted it. Until the caller
// calls end, no Closed is delivered. The caller begins the heartbeat when the
// answer leaves: what the application's functions take until then is none of the
// client's time.
func (srv *Server) open(r *http.Request, q *query) (*Session, *refusal) {
	peer := srv.peers.Of(r)
	s := &Session{srv: srv, proto: q.revision(), reading: true, hs: newHandshake(r, peer.Addr, &srv.contexts), addr: peer.Key}
	s.hs.b64 = q.b64
	s.transport = (*polling)(s) // until another one is used
	if no := srv.reserve(s); no != nil {
		return nil, no
	}
	if err := srv.name(s, r); err != nil {
		srv.release(s)
		srv.live.Add(-1)
		return nil, &refusal{code: BadRequest, name: "ID_GENERATION_ERROR", err: err}
	}
	ok := srv.guard("accept", func() { s.recv = srv.accept(s) })
	if !ok || s.recv == nil {
		s.recv = nobody{}
		s.shut(ForcedClose, errPanicked, false)
		s.end()
		return nil, &refusal{code: Forbidden, name: "NOT_ACCEPTED"}
	}
	srv.opened(s)
	if srv.closing.Load() {
		s.shut(ServerShuttingDown, nil, true) // Shutdown may not have seen it
	}
	return s, nil
}

// nobody receives what nobody wants.
type nobody struct{}

func (nobody) Receive([]byte, bool) {}
func (nobody) Served()              {}
func (nobody) Closed(Reason, error) {}

// name gives s an id that no other session has.
func (srv *Server) name(s *Session, r *http.Request) error {
	for range 3 {
		var name string
		var err error
		if g := srv.opts.GenerateID; g == nil {
			name = srv.newID()
		} else if !srv.guard("GenerateID", func() { name, err = g(r) }) {
			err = errPanicked
		}
		if err != nil {
			return err
		}
		if !validID(name) {
			return errBadID
		}
		s.id = name
		if srv.sessions.add(s) {
			return nil
		}
	}
	return errIDInUse
}

// newID is an id of the usual kind: in a cluster it tells whose it is.
func (srv *Server) newID() string {
	if f := srv.forward; f != nil {
		return id.Tagged(f.Tag())
	}
	return id.New()
}

// openPacket is the content of the packet that tells the client of its session,
// behind Headroom bytes.
func (s *Session) openPacket(transport string) []byte {
	o := &s.srv.opts
	b := make([]byte, Headroom, 160)
	b = append(b, `{"sid":"`...)
	b = append(b, s.id...)
	b = append(b, `","upgrades":[`...)
	if transport == pollingName && s.srv.upgrades {
		b = append(b, `"websocket"`...)
	}
	b = append(b, `],"pingInterval":`...)
	b = strconv.AppendInt(b, millis(o.PingInterval), 10)
	b = append(b, `,"pingTimeout":`...)
	b = strconv.AppendInt(b, millis(o.PingTimeout), 10)
	b = append(b, `,"maxPayload":`...)
	b = strconv.AppendInt(b, max(0, o.MaxPayload), 10)
	b = append(b, '}')
	return b
}

// servePollingHandshake opens a session over polling.
func (srv *Server) servePollingHandshake(w http.ResponseWriter, r *http.Request, q *query) {
	s, no := srv.open(r, q)
	if no != nil {
		srv.refuse(w, r, *no)
		return
	}
	s.end() // before the answer, after which the client may post
	srv.stops.of(r)
	srv.initialHeaders(w.Header(), r, s)
	s.mu.Lock()
	s.beginLocked()
	s.mu.Unlock()
	batch := []queued{{newMessage(eiowire.Open, s.openPacket(pollingName), nil), 0}}
	if m := srv.opts.InitialPacket; m != nil {
		batch = append(batch, queued{m, 0})
		srv.sent(s, m.Size())
		srv.polled(s, batch)
	}
	srv.answerPoll(w, r, q, s, batch)
}

// initialHeaders are those of the answer to a handshake only.
func (srv *Server) initialHeaders(h http.Header, r *http.Request, s *Session) {
	if c := srv.opts.Cookie; c != nil {
		c := *c
		c.Value = s.id
		h.Add("Set-Cookie", c.String())
	}
	if f := srv.opts.OnInitialHeaders; f != nil {
		srv.guard("OnInitialHeaders", func() { f(h, r) })
	}
}

// hookHeaders lets OnHeaders change an answer's headers.
func (srv *Server) hookHeaders(h http.Header, r *http.Request, _ *Session) {
	if f := srv.opts.OnHeaders; f != nil {
		srv.guard("OnHeaders", func() { f(h, r) })
	}
}
