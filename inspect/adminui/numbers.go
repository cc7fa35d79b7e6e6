package adminui

import (
	"os"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// looks notes that somebody looks, here or at another node.
func (u *UI) looks() {
	u.looked.Store(time.Now().Add(3 * every).UnixMilli())
	u.watching(true)
}

// run tells the numbers to those who look, on all nodes.
func (u *UI) run() {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-u.stop:
			u.watching(false)
			return
		case <-tick.C:
		}
		if u.ns.Len() > 0 {
			u.looks()
			_ = u.ns.ServerSideEmit("sockeye:admin looks") // without a cluster there is nobody else
		}
		if time.Now().UnixMilli() > u.looked.Load() {
			u.watching(false)
			continue
		}
		u.upgraded()
		u.changed()
		_ = u.ns.Volatile().Emit("server_stats", u.numbers()) // plain values
	}
}

type numbers struct {
	ServerID   string   `json:"serverId"`
	Hostname   string   `json:"hostname"`
	PID        int      `json:"pid"`
	Uptime     float64  `json:"uptime"`
	Clients    int      `json:"clientsCount"`
	Polling    int      `json:"pollingClientsCount"`
	Events     []events `json:"aggregatedEvents"`
	Namespaces []space  `json:"namespaces"`
}

type events struct {
	At      int64  `json:"timestamp"`
	Type    string `json:"type"`
	SubType string `json:"subType,omitempty"`
	Count   uint64 `json:"count"`
}

type space struct {
	Name  string `json:"name"`
	Count int    `json:"socketsCount"`
}

// numbers are those of now, with what has happened since the last time.
func (u *UI) numbers() numbers {
	st := u.io.Stats()
	host, _ := os.Hostname()
	n := numbers{
		ServerID: u.opts.Name, Hostname: host, PID: os.Getpid(), Uptime: time.Since(u.started).Seconds(), Clients: st.Engine.Sessions, Polling: st.Engine.Polling,
		Events: []events{}, Namespaces: []space{},
	}
	at := time.Now().Truncate(time.Second).UnixMilli()
	add := func(kind, sub string, now, was uint64) {
		if now > was {
			n.Events = append(n.Events, events{at, kind, sub, now - was})
		}
	}
	was := u.last.Engine
	add("rawConnection", "", st.Engine.Opened, was.Opened)
	for reason, count := range st.Engine.Closed {
		add("rawDisconnection", string(reason), count, was.Closed[reason])
	}
	add("packetsIn", "", st.Engine.MessagesIn, was.MessagesIn)
	add("packetsOut", "", st.Engine.MessagesOut, was.MessagesOut)
	add("bytesIn", "", st.Engine.BytesIn, was.BytesIn)
	add("bytesOut", "", st.Engine.BytesOut, was.BytesOut)
	u.last = st
	for ns := range u.io.Namespaces() {
		if len(n.Namespaces) < maxTold {
			n.Namespaces = append(n.Namespaces, space{ns.Name(), ns.Len()})
		}
	}
	return n
}

// commands are what a page may have done.
func (u *UI) commands() {
	if u.opts.ReadOnly {
		return
	}
	// to is whom a command is for; nil if there is no such namespace.
	to := func(s *socketio.Socket, r *socketio.Request, filter int) *socketio.Broadcast {
		var name, room string
		if r.Arg(0).Decode(&name) != nil {
			return nil
		}
		_ = r.Arg(filter).Decode(&room) // null or missing: all
		u.log.Info("admin: "+r.Event(), "client", s.Handshake().RemoteAddr(), "namespace", quoted(name), "to", quoted(room))
		for ns := range u.io.Namespaces() {
			if ns.Name() == name {
				b := ns.Except()
				if room != "" {
					b = ns.To(room)
				}
				return &b
			}
		}
		return nil
	}
	u.command("emit", func(s *socketio.Socket, r *socketio.Request) error {
		var event string
		if err := r.Arg(2).Decode(&event); err != nil {
			return err
		}
		b := to(s, r, 1)
		if b == nil {
			return nil
		}
		var args []any
		for i := 3; i < r.Len(); i++ {
			args = append(args, r.Arg(i))
		}
		return b.Emit(event, args...)
	})
	rooms := func(what func(b *socketio.Broadcast, room string)) func(s *socketio.Socket, r *socketio.Request) error {
		return func(s *socketio.Socket, r *socketio.Request) error {
			var room string
			if err := r.Arg(1).Decode(&room); err != nil {
				return err
			}
			if b := to(s, r, 2); b != nil {
				what(b, room)
			}
			return nil
		}
	}
	u.command("join", rooms(func(b *socketio.Broadcast, room string) { b.SocketsJoin(room) }))
	u.command("leave", rooms(func(b *socketio.Broadcast, room string) { b.SocketsLeave(room) }))
	u.command("_disconnect", func(s *socketio.Socket, r *socketio.Request) error {
		var whole bool
		if err := r.Arg(1).Decode(&whole); err != nil {
			return err
		}
		if b := to(s, r, 2); b != nil {
			b.DisconnectSockets(whole)
		}
		return nil
	})
}
