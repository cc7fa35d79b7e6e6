//go:build linux

package main

import (
	"net/http"

	"github.com/lxzan/gws"
)

// lxzan/gws with its own read loop and broadcaster.
type gwsPeer struct{ conn *gws.Conn }

func (p *gwsPeer) write(msg []byte) { _ = p.conn.WriteMessage(gws.OpcodeText, msg) }
func (p *gwsPeer) share(s *shared)  { _ = s.ext.(*gws.Broadcaster).Broadcast(p.conn) }

type gwsEvents struct {
	gws.BuiltinEventHandler
	h *hub
}

func (e *gwsEvents) peer(c *gws.Conn) peer {
	v, _ := c.Session().Load("p")
	p, _ := v.(peer)
	return p
}

func (e *gwsEvents) OnOpen(c *gws.Conn) {
	p := &gwsPeer{c}
	c.Session().Store("p", p)
	e.h.open(p)
}

func (e *gwsEvents) OnClose(c *gws.Conn, _ error) { e.h.leave(e.peer(c)) }

func (e *gwsEvents) OnMessage(c *gws.Conn, m *gws.Message) {
	e.h.handle(e.peer(c), m.Bytes())
	_ = m.Close()
}

func gwsHandler(h *hub) http.HandlerFunc {
	up := gws.NewUpgrader(&gwsEvents{h: h}, &gws.ServerOption{})
	h.prepare = func(s *shared) { s.ext = gws.NewBroadcaster(gws.OpcodeText, s.text) }
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r)
		if err != nil {
			return
		}
		go c.ReadLoop() // lets net/http's goroutine and buffers go
	}
}
