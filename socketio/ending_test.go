package socketio

import "testing"

// A socket whose end has just begun is not found any more, and what comes for it
// does not cost the connection: its client may join again at once.
func TestFindWhileASocketEnds(t *testing.T) {
	old, other, fresh := &Socket{name: "/x"}, &Socket{name: "/y"}, &Socket{name: "/x"}
	c := &conn{sockets: []*Socket{old, other}}
	if s, left := c.find("/x"); s != old || left {
		t.Errorf("found %p, left %v", s, left)
	}
	old.state.Store(disconnected)
	if s, left := c.find("/x"); s != nil || !left {
		t.Errorf("ending: found %p, left %v", s, left)
	}
	c.sockets = append(c.sockets, fresh)
	if s, left := c.find("/x"); s != fresh || left {
		t.Errorf("joined again: found %p, left %v", s, left)
	}
	if s, left := c.find("/z"); s != nil || left {
		t.Errorf("never there: found %p, left %v", s, left)
	}
}
