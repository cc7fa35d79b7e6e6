package adminui

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

func quoted(s string) string { return clip.Quoted(s) }

func (u *UI) command(event string, f func(s *socketio.Socket, r *socketio.Request) error) {
	u.ns.On(event, func(_ context.Context, s *socketio.Socket, r *socketio.Request) error { return f(s, r) })
}

// view is a socket as the page wants it. What only its owner should know is left
// out: cookies, credentials, and the id of the connection, of which it gets a
// digest.
type view struct {
	ID        string         `json:"id"`
	ClientID  string         `json:"clientId"`
	Transport string         `json:"transport"`
	Namespace string         `json:"nsp"`
	Data      any            `json:"data"`
	Handshake map[string]any `json:"handshake"`
	Rooms     []string       `json:"rooms"`
}

func (u *UI) serialize(s *socketio.Socket) view {
	if s.Transport() == "polling" {
		u.mu.Lock()
		if u.polls == nil {
			u.polls = make(map[*socketio.Socket]bool)
		}
		u.polls[s] = true
		u.mu.Unlock()
	}
	h := s.Handshake()
	headers := map[string]string{}
	for name, values := range h.Header() {
		switch name = strings.ToLower(name); name {
		case "cookie", "authorization", "proxy-authorization":
		default:
			headers[name] = strings.Join(values, ", ")
		}
	}
	digest := sha256.Sum256([]byte(s.Conn().ID()))
	return view{
		ID: s.ID(), ClientID: hex.EncodeToString(digest[:6]), Transport: s.Transport(), Namespace: s.Namespace().Name(), Data: data(s), Rooms: s.Rooms(),
		Handshake: map[string]any{
			"address": address(h.RemoteAddr()), "headers": headers, "query": h.Query(), "issued": h.Issued(), "secure": h.Secure(), "time": h.Time().UTC().Format(time.RFC1123),
			"url": h.URL(), "xdomain": h.XDomain(),
		},
	}
}

// upgraded tells whose transport has changed since the last time.
func (u *UI) upgraded() {
	u.mu.Lock()
	list := slices.Collect(maps.Keys(u.polls))
	u.mu.Unlock()
	for _, s := range list {
		transport := s.Transport()
		if transport == "polling" && s.Connected() {
			continue
		}
		u.mu.Lock()
		delete(u.polls, s)
		u.mu.Unlock()
		if s.Connected() {
			u.tell("socket_updated", map[string]any{"id": s.ID(), "nsp": s.Namespace().Name(), "transport": transport})
		}
	}
}

// changed tells of the data that have changed since the last time, as they are
// now.
func (u *UI) changed() {
	u.mu.Lock()
	list := slices.Collect(maps.Keys(u.data))
	clear(u.data)
	u.mu.Unlock()
	for _, s := range list {
		if s.Connected() {
			u.tell("socket_updated", map[string]any{"id": s.ID(), "nsp": s.Namespace().Name(), "data": data(s)})
		}
	}
}

// address is without the port.
func address(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// data is what is kept on a socket, if it can be told.
func data(s *socketio.Socket) (d any) {
	defer func() {
		if recover() != nil { // an application's MarshalJSON
			d = map[string]any{}
		}
	}()
	text, err := json.Marshal(s.Data())
	if err != nil || len(text) > 64<<10 {
		return map[string]any{}
	}
	return json.RawMessage(text)
}

// sockets are those of this node.
func (u *UI) sockets() []view {
	list := []view{}
	for ns := range u.io.Namespaces() {
		for s := range ns.Sockets() {
			if len(list) < maxTold {
				list = append(list, u.serialize(s))
			}
		}
	}
	return list
}

// listen registers what cannot be taken back. It costs little while nobody looks.
func (u *UI) listen() {
	on := func(ns *socketio.Namespace) {
		if ns != u.ns {
			ns.OnAnyOutgoing(func(s *socketio.Socket, event string, args []any) {
				if u.room() {
					u.tell("event_sent", ns.Name(), s.ID(), sent(event, args), now())
				}
			})
		}
		ns.OnRoom(func(e socketio.RoomEvent) {
			if u.anybody() && (e.Kind == socketio.RoomJoined || e.Kind == socketio.RoomLeft) {
				what := "room_joined"
				if e.Kind == socketio.RoomLeft {
					what = "room_left"
				}
				u.tell(what, ns.Name(), e.Room, e.SocketID, now())
			}
		})
	}
	for ns := range u.io.Namespaces() {
		on(ns)
	}
	u.io.OnNamespace(on)
}

// watching has the server tell of sockets and events, or not any more.
func (u *UI) watching(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case on && u.watch == nil && u.opts.Development:
		u.data = make(map[*socketio.Socket]bool)
		u.watch = u.io.Watch(&socketio.Trace{
			Connected: func(s *socketio.Socket) { u.tell("socket_connected", u.serialize(s), now()) },
			Disconnected: func(s *socketio.Socket, reason socketio.DisconnectReason, _ error) {
				u.tell("socket_disconnected", s.Namespace().Name(), s.ID(), string(reason), now())
			},
			Changed: func(s *socketio.Socket) {
				u.mu.Lock()
				defer u.mu.Unlock()
				if u.data != nil && s.Namespace() != u.ns {
					u.data[s] = true
				}
			},
			Handled: func(s *socketio.Socket, r *socketio.Request, _ time.Duration) { u.received(s, r) },
		})
	case !on && u.watch != nil:
		u.watch()
		u.watch, u.polls, u.data = nil, nil, nil
	}
}

func (u *UI) anybody() bool { return time.Now().UnixMilli() <= u.looked.Load() }

// room reports whether there is room for an event: a page that reads nothing
// must not cost more than one that does.
func (u *UI) room() bool {
	if !u.anybody() {
		return false
	}
	s := time.Now().Unix()
	u.mu.Lock()
	defer u.mu.Unlock()
	if s != u.second {
		u.second, u.n = s, 0
	}
	u.n++
	return u.n <= perSecond
}

func (u *UI) tell(event string, args ...any) {
	_ = u.ns.Emit(event, args...) // what cannot be encoded is not told
}

func (u *UI) received(s *socketio.Socket, r *socketio.Request) {
	if s.Namespace() == u.ns || !u.room() {
		return
	}
	args := []any{clip.Text(r.Event())}
	for _, arg := range r.Args().All() {
		if text, ok := arg.JSON(); ok && len(text) <= 4<<10 {
			args = append(args, json.RawMessage(text))
		} else {
			args = append(args, arg.String())
		}
	}
	u.tell("event_received", s.Namespace().Name(), s.ID(), args, now())
}

// sent are the arguments of an event, without binary.
func sent(event string, args []any) []any {
	list := []any{clip.Text(event)}
	for _, arg := range args {
		text, err := json.Marshal(arg)
		switch b, binary := arg.([]byte); {
		case binary:
			list = append(list, fmt.Sprintf("<%d bytes>", len(b)))
		case err != nil || len(text) > 4<<10:
			list = append(list, "<not shown>")
		default:
			list = append(list, json.RawMessage(text))
		}
	}
	return list
}

// now is a date as JavaScript writes it.
func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }
