package namespaces

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// inCluster runs a demo on three nodes, in memory and in fake time. join makes a
// client on one of them.
func inCluster(t *testing.T, demo func(*socketio.Namespace), test func(t *testing.T, nodes []*socketio.Namespace, join func(node int) *socketiotest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var nodes []*socketio.Namespace
		var hosts []*socketiotest.Server
		for i := range 3 {
			io := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler), Cluster: bus.Adapter(fmt.Sprint(i))})
			demo(io.Of("/demo"))
			nodes = append(nodes, io.Of("/demo"))
			hosts = append(hosts, socketiotest.Serve(t, io))
		}
		time.Sleep(time.Second)
		test(t, nodes, func(node int) *socketiotest.Client {
			return hosts[node].Connect(&socketiotest.Options{Namespace: "/demo"})
		})
	})
}

func TestChatInCluster(t *testing.T) {
	inCluster(t, Chat, func(t *testing.T, _ []*socketio.Namespace, join func(int) *socketiotest.Client) {
		enter := func(node int, name string) (*socketiotest.Client, Arrival) {
			c := join(node)
			a, err := socketiotest.Ask(c, ChatJoin, Seat{"lobby", name})
			if err != nil {
				t.Fatal(err)
			}
			return c, a
		}
		ann, _ := enter(0, "ann")
		ben, arrival := enter(1, "ben")
		if len(arrival.People) != 2 {
			t.Errorf("ben finds %v", arrival.People)
		}
		for i, c := range []*socketiotest.Client{ann, ben, ann} {
			if _, err := socketiotest.Ask(c, ChatSay, fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if l := socketiotest.Next(ann, ChatLine); l.Text != "line 1" || l.Name != "ben" {
			t.Errorf("ann hears %+v", l)
		}
		for _, want := range []string{"line 0", "line 2"} {
			if l := socketiotest.Next(ben, ChatLine); l.Text != want {
				t.Errorf("ben hears %+v, want %s", l, want)
			}
		}
		// The first on a node that has nothing of the room, and one after a node's own
		// lines.
		for node := range 3 {
			_, arrival := enter(node, "eve")
			var texts []string
			for _, l := range list[Line](t, arrival.History) {
				texts = append(texts, l.Text)
			}
			if !slices.Equal(texts, []string{"line 0", "line 1", "line 2"}) {
				t.Errorf("on node %d there is %q", node, texts)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		var people []Person
		for _, e := range ann.Events() {
			if e.Name == string(People) {
				e.Scan(&people)
			}
		}
		if len(people) != 5 {
			t.Errorf("ann knows of %v", people)
		}
	})
}

func TestWhiteboardInCluster(t *testing.T) {
	inCluster(t, Whiteboard, func(t *testing.T, _ []*socketio.Namespace, join func(int) *socketiotest.Client) {
		ann, ben := join(0), join(1)
		board := func(c *socketiotest.Client) (ids []string) {
			b, err := socketiotest.Ask(c, BoardJoin, "a")
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list[Stroke](t, b.Strokes) {
				ids = append(ids, s.ID)
			}
			slices.Sort(ids)
			return ids
		}
		board(ann)
		board(ben)
		draw := func(c *socketiotest.Client, id string) {
			if _, err := socketiotest.Ask(c, BoardStroke, Stroke{c.ID() + id, "ink", 5, []float32{0, 0}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		draw(ann, ".1")
		draw(ben, ".1")
		draw(ann, ".2")
		if s := socketiotest.Next(ben, BoardDrawn); s.ID != ann.ID()+".1" {
			t.Errorf("ben sees %+v", s)
		}
		if err := BoardUndo.Emit(ann, socketio.None{}); err != nil {
			t.Fatal(err)
		}
		if id := socketiotest.Next(ben, BoardUndone); id != ann.ID()+".2" {
			t.Errorf("ben sees %s go", id)
		}
		want := []string{ann.ID() + ".1", ben.ID() + ".1"}
		slices.Sort(want)
		for node := range 3 {
			if ids := board(join(node)); !slices.Equal(ids, want) {
				t.Errorf("on node %d there is %q, want %q", node, ids, want)
			}
		}
		if err := BoardClear.Emit(ben, socketio.None{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for node := range 3 {
			if ids := board(join(node)); len(ids) > 0 {
				t.Errorf("on node %d there is %q", node, ids)
			}
		}
	})
}

// TestEditorInCluster: everybody types at once on all nodes, and all have the same
// text, also where nobody has typed, and whichever node decides.
func TestEditorInCluster(t *testing.T) {
	for watched := range 3 {
		inCluster(t, Cursors, func(t *testing.T, nodes []*socketio.Namespace, join func(int) *socketiotest.Client) {
			enter := func(node int) (*socketiotest.Client, Document) {
				c := join(node)
				d, err := socketiotest.Ask(c, EditorJoin, EditorSeat{Seat: Seat{"page", "x"}})
				if err != nil {
					t.Fatal(err)
				}
				return c, d
			}
			writers := map[int]*socketiotest.Client{}
			for node := range 3 {
				if node != watched {
					writers[node], _ = enter(node)
				}
			}
			version, stale := 0, 0
			for i := range 20 {
				for node, c := range writers {
					e := Edit{ID: fmt.Sprint(node, ".", i), Version: version, Put: fmt.Sprint(node)}
					v, err := socketiotest.Ask(c, EditorEdit, e)
					switch {
					case err == nil && v == version+1:
						version = v
					case code(err) == "stale":
						stale++
					default:
						t.Fatalf("%d, %v", v, err)
					}
				}
				if i == 10 { // one made on an old text
					if _, err := socketiotest.Ask(writers[(watched+1)%3], EditorEdit, Edit{ID: "old", Version: 3, Put: "?"}); code(err) != "stale" {
						t.Errorf("an old edit: %v", err)
					}
				}
			}
			if version != 40 || stale > 0 {
				t.Errorf("version %d, %d stale", version, stale)
			}
			time.Sleep(time.Second)
			_, first := enter(0)
			for node := range 3 {
				_, d := enter(node)
				if d.Version != 40 || d.Text != first.Text || len(d.Text) != 40 {
					t.Errorf("on node %d: version %d, %q", node, d.Version, d.Text)
				}
			}
			for node, c := range writers {
				synctest.Wait()
				heard := 0
				for _, e := range c.Events() {
					if e.Name == string(EditorEdited) {
						var edit Edit
						e.Scan(&edit)
						if heard++; edit.Version != heard {
							t.Fatalf("node %d hears version %d after %d", node, edit.Version, heard-1)
						}
					}
				}
				if heard != 40 {
					t.Errorf("node %d heard %d edits", node, heard)
				}
			}
		})
	}
}

func TestHomeInCluster(t *testing.T) {
	inCluster(t, Home, func(t *testing.T, _ []*socketio.Namespace, join func(int) *socketiotest.Client) {
		ann, ben := join(0), join(1)
		join(2)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		var p Pulse
		for _, e := range ann.Events() {
			if e.Name == string(HomePulse) {
				e.Scan(&p)
			}
		}
		if p.Clients != 3 {
			t.Errorf("pulse %+v", p)
		}
		if err := HomeLeap.Emit(ann, socketio.None{}); err != nil {
			t.Fatal(err)
		}
		socketiotest.Next(ben, HomeFish)
	})
}
