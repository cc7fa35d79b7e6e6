package socketio

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// member puts a socket without a connection into the index.
func member(ns *Namespace, id string) *Socket {
	s := &Socket{id: id, ns: ns, name: ns.name}
	s.state.Store(connected)
	ns.index.Insert(s, nil, nil, func([]string) bool { return true })
	return s
}

// The index agrees with a plain model of sets, whatever happens.
func TestRoomsAgreeWithModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ns := newNamespace(New(nil), "/", new(registry))
	model := make(map[*Socket]map[string]bool)
	var sockets []*Socket
	next := 0
	roomName := func() string { return fmt.Sprintf("r%d", rng.IntN(8)) }
	for step := range 20_000 {
		switch op := rng.IntN(10); {
		case op == 0 || len(sockets) == 0:
			s := member(ns, fmt.Sprintf("s%d", next))
			next++
			sockets = append(sockets, s)
			model[s] = map[string]bool{s.id: true}
		case op == 1 && len(sockets) > 30:
			i := rng.IntN(len(sockets))
			ns.index.Remove(sockets[i], nil)
			delete(model, sockets[i])
			sockets = slices.Delete(sockets, i, i+1)
		case op < 7:
			s, name := sockets[rng.IntN(len(sockets))], roomName()
			if rng.IntN(20) == 0 {
				name = sockets[rng.IntN(len(sockets))].id // somebody's own room, perhaps its own
			}
			if err := s.Join(name); err != nil {
				t.Fatal(err)
			}
			model[s][name] = true
		default:
			s, name := sockets[rng.IntN(len(sockets))], roomName()
			if rng.IntN(20) == 0 {
				name = s.id
			}
			s.Leave(name)
			delete(model[s], name)
		}
		if step%50 == 0 {
			compare(t, ns, model, rng, roomName)
		}
	}
	for _, s := range sockets {
		ns.index.Remove(s, nil)
	}
	if len(ns.index.Rooms()) != 0 || ns.Len() != 0 {
		t.Errorf("left behind: %d rooms, %d sockets", len(ns.index.Rooms()), ns.Len())
	}
}

func compare(t *testing.T, ns *Namespace, model map[*Socket]map[string]bool, rng *rand.Rand, roomName func() string) {
	t.Helper()
	for s, rooms := range model {
		got := s.Rooms()
		slices.Sort(got)
		var want []string
		for name := range rooms {
			want = append(want, name)
			if !s.InRoom(name) {
				t.Fatalf("%s is not in %s", s.id, name)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%s: rooms %v, want %v", s.id, got, want)
		}
	}
	b := Broadcast{ns: ns}
	for range rng.IntN(3) {
		b = b.To(roomName())
	}
	for range rng.IntN(3) {
		b = b.Except(roomName())
	}
	if rng.IntN(3) == 0 {
		for s := range model {
			b.sender = s
			break
		}
	}
	got := make(map[*Socket]int)
	for _, s := range b.sockets() {
		got[s]++
	}
	for s, rooms := range model {
		in := len(b.rooms) == 0
		for _, name := range b.rooms {
			in = in || rooms[name]
		}
		for _, name := range b.except {
			in = in && !rooms[name]
		}
		want := 0
		if in && s != b.sender {
			want = 1
		}
		if got[s] != want {
			t.Fatalf("to %v except %v: %s is addressed %d times, want %d", b.rooms, b.except, s.id, got[s], want)
		}
		delete(got, s)
	}
	if len(got) > 0 {
		t.Fatalf("%d sockets are addressed that are gone", len(got))
	}
}

func TestToNoRoomsChangesNothing(t *testing.T) {
	ns := newNamespace(New(nil), "/", new(registry))
	member(ns, "a")
	var none []string
	b := Broadcast{ns: ns}.To(none...)
	if n := len(b.sockets()); n != 1 {
		t.Errorf("To of an empty list: %d sockets, want 1", n)
	}
}

func TestBroadcastIsAValue(t *testing.T) {
	base := Broadcast{}.To("a")
	one, two := base.To("b"), base.To("c")
	if !slices.Equal(one.rooms, []string{"a", "b"}) || !slices.Equal(two.rooms, []string{"a", "c"}) || len(base.rooms) != 1 {
		t.Errorf("%v, %v, %v", base.rooms, one.rooms, two.rooms)
	}
}

func TestRoomEvents(t *testing.T) {
	ns := newNamespace(New(nil), "/", new(registry))
	var got []string
	ns.OnRoom(func(e RoomEvent) { got = append(got, fmt.Sprintf("%s %s %s", e.Kind, e.Room, e.SocketID)) })
	ev := ns.roomEvents()
	s := &Socket{id: "a", ns: ns}
	s.state.Store(connected)
	ns.index.Insert(s, nil, ev.changes(), func([]string) bool { return true })
	ev.send()
	if err := s.Join("x", "x"); err != nil {
		t.Fatal(err)
	}
	s.Leave("x")
	ev = ns.roomEvents()
	ns.index.Remove(s, ev.changes())
	ev.send()
	want := []string{"create a ", "join a a", "create x ", "join x a", "leave x a", "delete x ", "leave a a", "delete a "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
