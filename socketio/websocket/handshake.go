package websocket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/origin"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// serve makes r a WebSocket of e, or refuses it with a status and one line of
// text.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, e *Endpoint) {
	if !ws.IsUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		s.refuse(w, http.StatusUpgradeRequired, "this is a WebSocket endpoint")
		return
	}
	h, err := ws.ParseHandshake(r)
	if err != nil {
		status := http.StatusBadRequest
		var no *ws.HandshakeError
		if errors.As(err, &no) {
			status = no.Status
		}
		w.Header().Set("Sec-WebSocket-Version", "13")
		s.refuse(w, status, err.Error())
		return
	}
	hosts := s.peers.Hosts(r)
	if allow := s.opts.Hosts.Allow; !allow(r.Host) && !slices.ContainsFunc(hosts, allow) {
		s.refuse(w, http.StatusForbidden, "this server is not known under that name (its option Hosts lists those it has)")
		return
	}
	if from := origin.Of(r); from != "" && !origin.Allowed(s.opts.Origins.AllowOrigin, from, r, hosts) {
		text := "pages of the origin " + clip.Quoted(from) + " may not connect: " + origin.Advice(from, r, hosts)
		s.log.Warn("websocket: request refused", "message", text, "cause", "ORIGIN", "host", clip.Quoted(r.Host), "remote", r.RemoteAddr)
		s.refuse(w, http.StatusForbidden, text)
		return
	}
	if allow := s.opts.AllowRequest; allow != nil {
		if err := allow(r); err != nil {
			s.log.Info("websocket: request refused", "error", err, "client", s.peers.Of(r).Addr)
			s.refuse(w, http.StatusForbidden, "forbidden")
			return
		}
	}

	peer := s.peers.Of(r)
	if !s.peers.Allow(peer.Key) {
		s.bound(engineio.BoundHandshakeRate)
		s.refuse(w, http.StatusTooManyRequests, "too many handshakes of your address (the server's option HandshakeRate)")
		return
	}
	c := &Conn{srv: s, e: e, addr: peer.Addr, key: peer.Key}
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(r.Context()))
	if status, text := s.add(c); status != 0 {
		s.refuse(w, status, text)
		return
	}
	if i := slices.IndexFunc(h.Protocols(), func(p string) bool { return slices.Contains(e.Protocols, p) }); i >= 0 {
		c.protocol = h.Protocols()[i]
	}
	deflate := s.deflate != nil && h.Deflate()
	head := h.AppendResponse(make([]byte, 0, 256), c.protocol, deflate, w.Header())
	nc, rw, err := host.TakeOver(w)
	if err != nil {
		c.mu.Lock()
		c.endLocked(int(ws.Abnormal), "", err)
		c.mu.Unlock()
		s.remove(c)
		s.refuse(w, http.StatusInternalServerError, host.NoTakeOver)
		return
	}
	_ = nc.SetDeadline(time.Time{}) // those of the HTTP server; a connection that is gone says so when read
	pre, _ := rw.Reader.Peek(rw.Reader.Buffered())
	c.r.Deflate, c.deflate, c.window = deflate, deflate, h.DeflateWindow()
	c.open(nc, slices.Clone(pre), head, r)
}

func (s *Server) refuse(w http.ResponseWriter, status int, text string) {
	s.stats.refused.Add(1)
	http.Error(w, text, status)
}
