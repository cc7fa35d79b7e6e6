package namespaces

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// in runs a demo in memory, in fake time. join makes a client in it.
func in(t *testing.T, demo func(*socketio.Namespace), test func(t *testing.T, ns *socketio.Namespace, join func() *socketiotest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler)})
		demo(io.Of("/demo"))
		server := socketiotest.Serve(t, io)
		test(t, io.Of("/demo"), func() *socketiotest.Client {
			return server.Connect(&socketiotest.Options{Namespace: "/demo"})
		})
	})
}

// code is that of the error a client got.
func code(err error) string {
	var e *socketio.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

// list decodes what is kept encoded.
func list[T any](t *testing.T, raw socketio.Raw) (all []T) {
	t.Helper()
	if err := raw.Decode(&all); err != nil || all == nil {
		t.Fatalf("%v: %v", raw, err)
	}
	return all
}

func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		" Ann\t\n  Lee ":        "Ann Lee",
		"李雷":                    "李雷",
		"👩‍👩‍👧":                 "👩‍👩‍👧",
		"evil\u202etxt\x00\x1b": "eviltxt",
		"":                      "empty",
		" \u2028 ":              "empty",
		strings.Repeat("é", 25): "too_long",
	} {
		got, err := tidy("name", in, 24)
		if err != nil {
			got = code(err)
		}
		if got != want {
			t.Errorf("tidy(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestChat(t *testing.T) {
	in(t, Chat, func(t *testing.T, ns *socketio.Namespace, join func() *socketiotest.Client) {
		ann, ben := join(), join()
		if _, err := socketiotest.Ask(ann, ChatSay, "too early"); code(err) != "no_room" {
			t.Errorf("a line without a room: %v", err)
		}
		for _, c := range []*socketiotest.Client{ann, ben} {
			if _, err := socketiotest.Ask(c, ChatJoin, Seat{"pool", " Ann "}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 60 {
			time.Sleep(time.Second) // politely
			if _, err := socketiotest.Ask(ann, ChatSay, fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
			if line := socketiotest.Next(ben, ChatLine); line.Text != fmt.Sprint("line ", i) || line.Name != "Ann" || line.From != ann.ID() {
				t.Fatalf("heard %+v", line)
			}
		}
		for _, text := range []string{"", strings.Repeat("字", 501)} {
			if _, err := socketiotest.Ask(ann, ChatSay, text); code(err) != "length" {
				t.Errorf("%d bytes: %v", len(text), err)
			}
		}
		late := join()
		a, err := socketiotest.Ask(late, ChatJoin, Seat{"pool", "Cat"})
		if lines := list[Line](t, a.History); err != nil || len(lines) != 50 || lines[0].Text != "line 10" || len(a.People) != 3 {
			t.Fatalf("%v: %d lines, %v", err, len(lines), a.People)
		}
		if a, err = socketiotest.Ask(late, ChatJoin, Seat{"lake", "Cat"}); err != nil || len(list[Line](t, a.History)) != 0 || len(a.People) != 1 {
			t.Fatalf("another room: %v, %+v", err, a)
		}
		ann.Disconnect()
		ben.Disconnect()
		synctest.Wait()
		if a, err = socketiotest.Ask(late, ChatJoin, Seat{"pool", "Cat"}); err != nil || len(list[Line](t, a.History)) != 0 {
			t.Fatalf("the room was kept without anybody in it: %v, %+v", err, a)
		}
	})
}

// A flood is answered with an error, told once a second and passed on to nobody.
func TestPolite(t *testing.T) {
	in(t, Chat, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		c, other := join(), join()
		for _, c := range []*socketiotest.Client{c, other} {
			if _, err := socketiotest.Ask(c, ChatJoin, Seat{"pool", "Ann"}); err != nil {
				t.Fatal(err)
			}
		}
		refused := 0
		for range 100 {
			if _, err := socketiotest.Ask(c, ChatSay, "again"); code(err) == "slow_down" {
				refused++
			}
		}
		if refused < 80 || refused > 90 {
			t.Errorf("%d of 100 were refused", refused)
		}
		socketiotest.Next(c, SlowDown)
		synctest.Wait()
		told, heard := 0, 0
		for _, e := range c.Events() {
			if e.Name == string(SlowDown) {
				told++
			}
		}
		for _, e := range other.Events() {
			if e.Name == string(ChatLine) {
				heard++
			}
		}
		if told > 1 || heard != 100-refused {
			t.Errorf("told %d times more, others heard %d lines", told, heard)
		}
		time.Sleep(time.Second)
		if _, err := socketiotest.Ask(c, ChatSay, "calmer"); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestWhiteboardIsBounded(t *testing.T) {
	in(t, Whiteboard, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		c := join()
		if _, err := socketiotest.Ask(c, BoardStroke, Stroke{c.ID() + ".0", "ink", 5, []float32{0, 0}}); code(err) != "no_room" {
			t.Errorf("a stroke without a board: %v", err)
		}
		if _, err := socketiotest.Ask(c, BoardJoin, "a"); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			time.Sleep(time.Second)
			if _, err := socketiotest.Ask(c, BoardStroke, Stroke{fmt.Sprint(c.ID(), ".", i), "ink", 5, make([]float32, maxNumbers)}); err != nil {
				t.Fatal(err)
			}
		}
		b, err := socketiotest.Ask(join(), BoardJoin, "a")
		strokes := list[Stroke](t, b.Strokes)
		if err != nil || len(strokes) != maxBoard/maxNumbers || strokes[len(strokes)-1].ID != c.ID()+".49" || b.People != 2 {
			t.Fatalf("%v: %d strokes, %d people", err, len(strokes), b.People)
		}
	})
}

// Edits on the same version: one is taken, the other is told to try again, and
// all hear the same.
func TestCursors(t *testing.T) {
	in(t, Cursors, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		ann, ben := join(), join()
		seat := EditorSeat{Seat: Seat{"a", "Ann"}}
		for _, c := range []*socketiotest.Client{ann, ben} {
			if _, err := socketiotest.Ask(c, EditorJoin, seat); err != nil {
				t.Fatal(err)
			}
		}
		edit := func(c *socketiotest.Client, e Edit, want string) {
			t.Helper()
			if _, err := socketiotest.Ask(c, EditorEdit, e); code(err) != want {
				t.Errorf("%+v: %v, want %s", e, err, want)
			}
		}
		edit(ann, Edit{ID: "1", At: 0, Put: "a😀b"}, "<nil>")
		edit(ben, Edit{ID: "2", At: 0, Put: "late"}, "stale")
		edit(ben, Edit{ID: "3", Version: 1, At: 4, Put: "c"}, "<nil>") // the face counts as two
		edit(ben, Edit{ID: "4", Version: 2, At: 0, Cut: 6}, "edit")
		edit(ben, Edit{ID: "5", Version: 2, At: -1}, "edit")
		edit(ben, Edit{ID: "6", Version: 2, At: 0, Cut: math.MaxInt, Put: ""}, "edit")
		edit(ben, Edit{ID: "6", Version: 2, At: math.MaxInt, Cut: math.MaxInt}, "edit")
		edit(ben, Edit{ID: "7", Version: 2, Put: strings.Repeat("x", maxText)}, "full")
		for _, c := range []*socketiotest.Client{ann, ben} {
			for _, want := range []string{"1", "3"} {
				if e := socketiotest.Next(c, EditorEdited); e.ID != want {
					t.Errorf("heard edit %s, want %s", e.ID, want)
				}
			}
		}
		seat.Pending = "3"
		d, err := socketiotest.Ask(join(), EditorJoin, seat)
		if err != nil || d.Text != "a😀bc" || d.Version != 2 || !d.Applied {
			t.Fatalf("%v: %+v", err, d)
		}
	})
}

func TestCounter(t *testing.T) {
	in(t, Counter, func(t *testing.T, ns *socketio.Namespace, join func() *socketiotest.Client) {
		c, start := join(), time.Now()
		if err := CounterStart.Emit(c, socketio.None{}); err != nil {
			t.Fatal(err)
		}
		for want := range 11 {
			if n := socketiotest.Next(c, CounterCount); n != want {
				t.Fatalf("heard %d, want %d", n, want)
			}
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("counting to ten took %v", d)
		}
		c.Disconnect()
		time.Sleep(time.Second)
		if n := ns.Len(); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	})
}

// What ticks while somebody watches stops when nobody does.
func TestEvery(t *testing.T) {
	var ticks atomic.Int64
	demo := func(ns *socketio.Namespace) { every(ns, time.Second, 10*time.Second, func() { ticks.Add(1) }) }
	in(t, demo, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		time.Sleep(time.Minute)
		if ticks.Load() != 0 {
			t.Fatalf("%d ticks before anybody came", ticks.Load())
		}
		c := join()
		time.Sleep(5500 * time.Millisecond)
		if ticks.Load() != 5 {
			t.Fatalf("%d ticks in 5.5 s", ticks.Load())
		}
		c.Disconnect()
		time.Sleep(time.Minute)
		if n := ticks.Load(); n < 14 || n > 16 {
			t.Fatalf("%d ticks, 10 s of them alone", n)
		}
		before := ticks.Load()
		join()
		time.Sleep(1500 * time.Millisecond)
		if ticks.Load() != before+1 {
			t.Fatal("it does not tick again")
		}
	})
}

func TestBinary(t *testing.T) {
	in(t, Binary, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		c := join()
		if _, err := socketiotest.Ask(c, WallJoin, Seat{"wall", "Ann"}); err != nil {
			t.Fatal(err)
		}
		png := "\x89PNG\r\n\x1a\n"
		for data, want := range map[string]string{"plain text": "no_picture", "<svg onload=x>": "no_picture", "": "no_picture", png + strings.Repeat("x", 700_000): "too_big"} {
			time.Sleep(time.Second)
			if _, err := socketiotest.Ask(c, WallShow, Shown{[]byte(data)}); code(err) != want {
				t.Errorf("%.10q: %v", data, err)
			}
		}
		for i := range 8 {
			time.Sleep(time.Second)
			if _, err := socketiotest.Ask(c, WallShow, Shown{fmt.Append(nil, png, i)}); err != nil {
				t.Fatal(err)
			}
			if p := socketiotest.Next(c, WallPicture); p.Name != "Ann" || p.Type != "image/png" {
				t.Errorf("hangs %+v", p)
			}
		}
		wall, err := socketiotest.Ask(join(), WallJoin, Seat{"wall", "Ben"})
		if err != nil || len(wall) != 6 || string(wall[5].Data) != png+"7" {
			t.Fatalf("%v: %d pictures", err, len(wall))
		}
	})
}

// An order that comes again is known, and is answered as it asks to be.
func TestAcks(t *testing.T) {
	in(t, Acks, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		c := join()
		for i, mood := range []string{"answer", "late", "answer"} {
			c.Ask(AckOrder, "a.1", mood)
			if w := socketiotest.Next(c, AckWorked); w != (Worked{"a.1", i + 1}) {
				t.Errorf("%+v", w)
			}
		}
		if err := c.Emit(AckOrder, strings.Repeat("x", 100), "silent"); err != nil {
			t.Fatal(err)
		}
		socketiotest.Next(c, AckWorked)
		if w := len(c.Events()); w != 0 {
			t.Errorf("%d events more than expected", w)
		}
	})
}

func TestOrigin(t *testing.T) {
	in(t, Origin, func(t *testing.T, ns *socketio.Namespace, join func() *socketiotest.Client) {
		c := join()
		before := ns.Server().Engine().Len()
		for origin, allowed := range map[string]bool{"": true, "http://host.example": true, "http://host.example:81": false, "null": false, "https://evil.example": false, "nonsense": false} {
			for _, transport := range []string{"polling", "websocket", "?"} {
				v, err := socketiotest.Ask(c, OriginProbe, Attempt{origin, transport})
				if err != nil || v.Allowed != allowed || (v.Status == 403) == allowed {
					t.Errorf("%q over %s: %+v, %v", origin, transport, v, err)
				}
				time.Sleep(time.Second)
			}
		}
		if _, err := socketiotest.Ask(c, OriginProbe, Attempt{Origin: "a\r\nb"}); code(err) != "origin" {
			t.Errorf("a line break: %v", err)
		}
		if n := ns.Server().Engine().Len(); n != before {
			t.Errorf("%d sessions are left of it", n-before)
		}
	})
}

// Rooms are bounded in number and gone with their people.
func TestRooms(t *testing.T) {
	var kept *rooms[int]
	demo := func(ns *socketio.Namespace) { kept = keepRooms[int](ns) }
	in(t, demo, func(t *testing.T, ns *socketio.Namespace, join func() *socketiotest.Client) {
		c := join()
		synctest.Wait()
		s, _ := ns.Socket(c.ID())
		for i := range maxRooms + 1 {
			if err := s.Join(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			err := kept.in(fmt.Sprint(i), func(n *int) { *n++ })
			if (err != nil) != (i == maxRooms) {
				t.Fatalf("room %d: %v", i, err)
			}
		}
		c.Disconnect()
		synctest.Wait()
		if len(kept.m)+len(kept.first) != 0 {
			t.Errorf("%d rooms are kept", len(kept.m))
		}
	})
}

// A bound as a lock-out: one address may have all rooms, and keeps nobody out
// by that.
func TestRoomsAreNoLockOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := &socketio.Options{Logger: slog.New(slog.DiscardHandler)}
		opts.Engine.ClientIPHeader, opts.Engine.TrustedProxies = "X-Real-Ip", []string{"127.0.0.1"}
		io := socketio.New(opts)
		Chat(io.Of("/chat"))
		server := socketiotest.Serve(t, io)
		sits := func(addr string, i int) (*socketiotest.Client, string) {
			c := server.Connect(&socketiotest.Options{Namespace: "/chat", Header: http.Header{"X-Real-Ip": {addr}}})
			_, err := socketiotest.Ask(c, ChatJoin, Seat{fmt.Sprint("room ", i), "Ann"})
			return c, code(err)
		}
		var all []*socketiotest.Client
		for i := range maxRooms {
			c, _ := sits("192.0.2.1", i)
			all = append(all, c)
		}
		if _, err := sits("192.0.2.1", maxRooms); err != "full" {
			t.Errorf("one address has more rooms than there may be: %s", err)
		}
		for i := range 3 {
			c, err := sits("192.0.2.2", maxRooms+1+i)
			if err != "<nil>" {
				t.Fatalf("another one is kept out: %s", err)
			}
			all[maxRooms-1-i].Disconnected() // and comes back by itself
			if _, err := socketiotest.Ask(c, ChatSay, "hello"); err != nil {
				t.Error(err)
			}
		}
		if _, err := socketiotest.Ask(all[0], ChatSay, "hello"); err != nil {
			t.Error("the oldest room had to go:", err)
		}
	})
}

// One budget for all: whoever orders without end makes the ledger forget no
// order but its own.
func TestLedger(t *testing.T) {
	var l ledger
	greedy, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	for i := range 10 {
		l.note(other, fmt.Sprint("mine ", i))
	}
	for i := range 5000 {
		l.note(greedy, fmt.Sprint(i))
	}
	for i := range 10 {
		if n := l.note(other, fmt.Sprint("mine ", i)); n != 2 {
			t.Errorf("order %d was noted %d times", i, n)
		}
	}
	if len(l.order) != 1000 || len(l.times) != 1000 {
		t.Errorf("%d orders, %d counts", len(l.order), len(l.times))
	}
}

func TestMount(t *testing.T) {
	io := socketio.New(nil)
	defer io.Close()
	Mount(io) // two types for one event, or a call twice, would panic
	for name := range Sockets() {
		if strings.Contains(name, "/") {
			t.Error(name)
		}
	}
}
