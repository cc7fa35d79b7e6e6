package namespaces

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// costly fills a room of each demo whose answers can be long, and returns how a
// client asks for one: how many bytes it was answered, none if it was refused.
var costly = map[string]struct {
	demo func(*socketio.Namespace)
	fill func(t *testing.T, c *socketiotest.Client)
	join func(c *socketiotest.Client) (bytes int, err error)
}{
	"whiteboard": {Whiteboard, func(t *testing.T, c *socketiotest.Client) {
		points := make([]float32, maxNumbers)
		for i := range points {
			points[i] = .1234567
		}
		for i := range maxBoard / maxNumbers {
			if _, err := socketiotest.Ask(c, BoardStroke, Stroke{fmt.Sprint(c.ID(), ".", i), "ink", 5, points}); err != nil {
				t.Fatal(err)
			}
		}
	}, func(c *socketiotest.Client) (int, error) {
		b, err := socketiotest.Ask(c, BoardJoin, "r")
		text, _ := b.Strokes.JSON()
		return len(text), err
	}},
	"chat": {Chat, func(t *testing.T, c *socketiotest.Client) {
		for range 50 {
			time.Sleep(time.Second)
			if _, err := socketiotest.Ask(c, ChatSay, strings.Repeat("字", maxLine)); err != nil {
				t.Fatal(err)
			}
		}
	}, func(c *socketiotest.Client) (int, error) {
		a, err := socketiotest.Ask(c, ChatJoin, Seat{"r", "Ann"})
		text, _ := a.History.JSON()
		return len(text), err
	}},
	"cursors": {Cursors, func(t *testing.T, c *socketiotest.Client) {
		if _, err := socketiotest.Ask(c, EditorEdit, Edit{ID: "1", Put: strings.Repeat("字", maxText)}); err != nil {
			t.Fatal(err)
		}
	}, func(c *socketiotest.Client) (int, error) {
		d, err := socketiotest.Ask(c, EditorJoin, EditorSeat{Seat: Seat{"r", "Ann"}})
		return len(d.Text), err
	}},
	"binary": {Binary, func(t *testing.T, c *socketiotest.Client) {
		for range 6 {
			time.Sleep(time.Second)
			if _, err := socketiotest.Ask(c, WallShow, Shown{[]byte("\x89PNG\r\n\x1a\n" + strings.Repeat("x", 600_000))}); err != nil {
				t.Fatal(err)
			}
		}
	}, func(c *socketiotest.Client) (bytes int, err error) {
		wall, err := socketiotest.Ask(c, WallJoin, Seat{"r", "Ann"})
		for _, p := range wall {
			bytes += len(p.Data)
		}
		return bytes, err
	}},
}

// An answer that is longer than its question may be asked for now and then, but
// not without end, also not by joining the namespace anew.
func TestAnswersAreCharged(t *testing.T) {
	for name, demo := range costly {
		t.Run(name, func(t *testing.T) {
			in(t, demo.demo, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
				owner := join()
				if _, err := demo.join(owner); err != nil {
					t.Fatal(err)
				}
				demo.fill(t, owner)
				time.Sleep(time.Hour) // whoever filled it has paid
				const most = 4 * purse
				total, refused, start := 0, 0, time.Now()
				ask := func(c *socketiotest.Client) (bytes int) {
					bytes, err := demo.join(c)
					if err != nil && code(err) != "slow_down" {
						t.Fatal(err)
					}
					if err != nil {
						refused++
					}
					total += bytes
					return bytes
				}
				c := join()
				one := ask(c)
				if one == 0 {
					t.Fatal("a newcomer gets no answer")
				}
				for range 300 {
					time.Sleep(50 * time.Millisecond)
					if refused%10 == 9 { // leaving and coming back over the same connection is no way around
						c.Disconnect()
						c = c.Join("/demo", nil)
					}
					ask(c)
				}
				if bound := one + most + int(time.Since(start).Seconds())*perSecond; total > bound || refused == 0 {
					t.Errorf("one connection was sent %d bytes in %v, %d refused; the bound is %d", total, time.Since(start), refused, bound)
				}
				time.Sleep(time.Minute)
				if ask(c) == 0 {
					t.Error("a minute later it is refused still")
				}
			})
		})
	}
}

// Many connections of one address have a share together.
func TestAnAddressIsCharged(t *testing.T) {
	in(t, Cursors, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		demo := costly["cursors"]
		owner := join()
		if _, err := demo.join(owner); err != nil {
			t.Fatal(err)
		}
		demo.fill(t, owner)
		time.Sleep(time.Hour)
		total, connections := 0, 3*crowd
		for range connections {
			c := join()
			for range 1 + purse/(3*maxText) {
				bytes, err := demo.join(c)
				if total += bytes; err != nil && code(err) != "slow_down" {
					t.Fatal(err)
				}
			}
			c.Close()
		}
		if bound := crowd*purse + 3*maxText; total > bound || total < bound/2 {
			t.Errorf("%d connections of one address were sent %d bytes; the bound is %d", connections, total, bound)
		}
	})
}

// What everybody in a room is sent costs the more the more there are.
func TestFanOutIsCharged(t *testing.T) {
	in(t, Cursors, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		const people = 20
		var all []*socketiotest.Client
		for range people {
			c := join()
			all = append(all, c)
			if _, err := socketiotest.Ask(c, EditorJoin, EditorSeat{Seat: Seat{"r", "Ann"}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		taken, long := 0, strings.Repeat("x", maxText)
		for range 100 {
			e := Edit{ID: "1", Version: taken, Put: long}
			if taken > 0 {
				e.Cut = maxText
			}
			if _, err := socketiotest.Ask(all[0], EditorEdit, e); err == nil {
				taken++
			} else if code(err) != "slow_down" {
				t.Fatal(err)
			}
		}
		if want := purse/(people-1)/maxText + 1; taken == 0 || taken > want {
			t.Errorf("%d edits of %d bytes went to %d people at once, want %d at most", taken, maxText, people, want)
		}
		if _, err := socketiotest.Ask(all[1], EditorEdit, Edit{ID: "2", Version: taken}); err != nil {
			t.Errorf("somebody else is refused: %v", err)
		}
	})
}

// A hundred who enter one after the other are announced a few times, and the
// last time as they are.
func TestArrivalsAreAnnouncedTogether(t *testing.T) {
	in(t, Chat, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		first := join()
		const people = 100
		clients := []*socketiotest.Client{first}
		for len(clients) < people {
			clients = append(clients, join())
		}
		for i, c := range clients {
			if a, err := socketiotest.Ask(c, ChatJoin, Seat{"r", fmt.Sprint("Ann ", i)}); err != nil || len(a.People) != i+1 {
				t.Fatalf("%v: %d people, want %d", err, len(a.People), i+1)
			}
		}
		time.Sleep(5 * time.Second)
		var times, last int
		for _, e := range first.Events() {
			if e.Name == string(People) {
				now, err := People.Decode(&e.Args)
				if err != nil {
					t.Fatal(err)
				}
				times, last = times+1, len(now)
			}
		}
		if times > 10 || last != people {
			t.Errorf("told %d times, in the end of %d people", times, last)
		}
		for _, c := range clients[1:] {
			c.Close()
		}
		time.Sleep(5 * time.Second)
		for _, e := range first.Events() {
			if now, err := People.Decode(&e.Args); e.Name == string(People) && err == nil {
				times, last = times+1, len(now)
			}
		}
		if times > 20 || last != 1 {
			t.Errorf("after all have left: told %d times, in the end of %d", times, last)
		}
		if _, err := socketiotest.Ask(first, ChatJoin, Seat{"r", "Ann 0"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, e := range first.Events() {
			if e.Name == string(People) {
				t.Error("who takes the seat that they have is announced")
			}
		}
	})
}

func TestKeptIsEncodedOnce(t *testing.T) {
	var k kept[Line]
	if got, _ := k.encoded().JSON(); string(got) != "[]" {
		t.Errorf("nothing is %s", got)
	}
	k.set([]Line{{Text: "a"}})
	one, _ := k.encoded().JSON()
	two, _ := k.encoded().JSON()
	if &one[0] != &two[0] {
		t.Error("encoded twice")
	}
	k.set(append(k.list, Line{Text: "b"}))
	if three, _ := k.encoded().JSON(); !strings.Contains(string(three), `"b"`) {
		t.Errorf("a change is not seen: %s", three)
	}
}

func TestNeighbours(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::/64", "[2001:db8::ffff:2]:9": "2001:db8::/64",
		"[2001:db8:0:1::1]:80": "2001:db8:0:1::/64", "[fe80::1%eth0]:1": "fe80::/64", "pipe": "pipe",
	} {
		if got := neighbours(remote); got != want {
			t.Errorf("neighbours(%q) is %q, want %q", remote, got, want)
		}
	}
}

// Accounts that are full again are forgotten.
func TestAccountsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(purse)
		for i := range 1100 {
			b.accounts[fmt.Sprint(i)] = &account{left: -longest * perSecond, share: 1, at: time.Now()}
		}
		b.clean(time.Now())
		if len(b.accounts) != 1100 {
			t.Errorf("%d accounts are left, debts forgotten", len(b.accounts))
		}
		time.Sleep(time.Minute)
		b.many = 1100
		if b.clean(time.Now()); len(b.accounts) != 0 {
			t.Errorf("%d accounts are kept for nothing", len(b.accounts))
		}
	})
}
