package face

import (
	"errors"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
)

// A connection whose OnConnect has not returned is in no room of the native
// namespace yet. Handlers of go-socket.io see it in the rooms that it joined there,
// so it is added wherever rooms are looked at.

// coming are the connections whose OnConnect has not returned.
func (n *namespace[C]) coming() []*Conn {
	if n.enterers.Load() == 0 {
		return nil
	}
	var list []*Conn
	for key := range n.entering.Range {
		if c := key.(*Conn); c.isEntering() {
			list = append(list, c)
		}
	}
	return list
}

// expecting are those of them that are about to be in a room.
func (n *namespace[C]) expecting(room string) []*Conn {
	return slices.DeleteFunc(n.coming(), func(c *Conn) bool { return !c.expects(room) })
}

// members are the connections in a room now. No lock is held afterwards.
func (n *namespace[C]) members(room string) []*Conn {
	list := n.expecting(room)
	for s := range n.native.Sockets() {
		if s.InRoom(room) {
			list = append(list, n.conn(s))
		}
	}
	return list
}

func (n *namespace[C]) rooms() []string {
	list := make([]string, 0)
	for room := range n.native.Rooms() {
		list = append(list, room)
	}
	for s := range n.native.Sockets() {
		if id := s.ID(); s.Protocol() != 3 && s.InRoom(id) || n.name() == "/" && s.InRoom(id) {
			list = append(list, id)
		}
	}
	for _, c := range n.coming() {
		for _, room := range c.Rooms() {
			if !slices.Contains(list, room) {
				list = append(list, room)
			}
		}
	}
	return list
}

func (n *namespace[C]) broadcast(room, event string, v []any) bool {
	if hasCallback(v) { // each client's answer is a call of its own
		for _, c := range n.members(room) {
			c.Emit(event, v...)
		}
		return true
	}
	args, err := outgoing(v)
	if err == nil {
		for _, c := range n.expecting(room) {
			c.emit(event, args, nil)
		}
		err = n.native.To(room).Emit(event, args...)
	}
	return n.sent(event, err)
}

func (n *namespace[C]) broadcastAll(event string, v []any) bool {
	if hasCallback(v) {
		for _, c := range n.coming() {
			c.Emit(event, v...)
		}
		for s := range n.native.Sockets() {
			n.conn(s).Emit(event, v...)
		}
		return true
	}
	args, err := outgoing(v)
	if err == nil {
		for _, c := range n.coming() {
			c.emit(event, args, nil)
		}
		err = n.native.Emit(event, args...)
	}
	return n.sent(event, err)
}

// sent logs what kept a broadcast from being sent: it has no connection whose
// OnError could be told.
func (n *namespace[C]) sent(event string, err error) bool {
	if err == nil || errors.Is(err, socketio.ErrServerClosed) {
		return true
	}
	n.srv.log.Error("go-socket.io: broadcast not sent", "namespace", n.name(), "event", event, "error", err)
	return false
}
