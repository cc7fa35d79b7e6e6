package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// client lives one connection after the other, each ended by a fault or in
// peace. All that it decides comes from its own random numbers.
type client struct {
	crowd *crowd
	no    int
	rng   *rand.Rand
	lives int
}

// live goes on until the crowd stops, and returns the connection that is open
// then, if it is a healthy one.
func (c *client) live() *visit {
	for !c.crowd.stopping() {
		before, during, end := c.fate()
		if before != nil {
			c.crowd.happened(before.name)
			if err := before.do(c); err != nil && !c.crowd.stopping() {
				c.crowd.broken("client %d: %s: %v", c.no, before.name, err)
			}
		}
		v, err := c.connect()
		if err != nil {
			c.crowd.broken("%v", err)
			if !c.pause(time.Second) {
				return nil
			}
			continue
		}
		c.crowd.open.Add(1)
		err = v.stay(during)
		switch {
		case err == nil && c.crowd.stopping():
			return v
		case err == nil:
			v.leave(end)
		case err != errGone:
			c.crowd.broken("%s: %v", v, err)
		}
		v.finish()
		c.lives++
	}
	return nil
}

// fate chooses the faults of one life. The first lives of all clients go
// through the list, so that even a short run has met each.
func (c *client) fate() (before *early, during *passing, end *ending) {
	if c.lives == 0 {
		return &earlies[c.no%len(earlies)], &passings[c.no%len(passings)], &endings[c.no%len(endings)]
	}
	if c.rng.IntN(4) == 0 {
		before = &earlies[c.rng.IntN(len(earlies))]
	}
	if c.rng.IntN(2) == 0 {
		during = &passings[c.rng.IntN(len(passings))]
	}
	return before, during, &endings[c.rng.IntN(len(endings))]
}

// pause waits for d, or less if the crowd stops; then it is false.
func (c *client) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.crowd.stop:
		return false
	}
}

// around is a random time of d on average and 3 d at most.
func (c *client) around(d time.Duration) time.Duration {
	return min(time.Duration(c.rng.ExpFloat64()*float64(d)), 3*d)
}

func (c *client) room() string { return fmt.Sprint("room ", c.rng.IntN(c.crowd.rooms)) }

// stay is the healthy part of a life: a few rooms, and a random number of
// things done at random times, a passing fault among them.
func (v *visit) stay(fault *passing) error {
	c := v.c
	v.mute.Store(c.rng.IntN(20) == 0)
	for range 1 + c.rng.IntN(3) {
		if err := v.join(c.room()); err != nil {
			return err
		}
	}
	n := 1 + int(c.around(c.crowd.opts.Life)/c.crowd.opts.Pace)
	at := c.rng.IntN(n)
	for i := range n {
		if i == at && fault != nil {
			if err := v.suffer(fault); err != nil {
				return err
			}
		}
		if !v.rest(c.around(c.crowd.opts.Pace)) {
			return nil
		}
		if err := v.act(); err != nil {
			return err
		}
	}
	return nil
}

// rest waits between two actions. A client of revision 3 pings meanwhile.
func (v *visit) rest(d time.Duration) bool {
	for end := time.Now().Add(d); ; {
		if v.eio == 3 && time.Since(v.pinged) >= pingInterval {
			v.pinged = time.Now()
			if v.send(text("2")) != nil {
				return true // and the next action says what is wrong
			}
		}
		left := min(time.Until(end), pingInterval)
		if left <= 0 {
			return true
		}
		if !v.c.pause(left) {
			return false
		}
	}
}

// act does one thing that works on a healthy connection.
func (v *visit) act() (err error) {
	rng := v.c.rng
	switch p := rng.IntN(100); {
	case p < 50:
		err = v.say(v.anyRoom(), rng.IntN(4) == 0)
	case p < 60:
		err = v.echo()
	case p < 66 && !v.mute.Load(): // otherwise both sides would wait for the server's timeout
		_, err = v.call("ask me")
	case p < 72:
		_, err = v.call("ask me later")
	case p < 74:
		_, err = v.call("ask all", v.anyRoom())
	case p < 82:
		err = v.join(v.c.room())
	case p < 88:
		err = v.leaveRoom(v.anyRoom())
	case p < 94:
		err = v.hint(v.anyRoom())
	default:
		err = v.visitSide()
	}
	return err
}

// join joins a room, once: what is still under way to a client that has left
// could not be told from what it missed before it came back.
func (v *visit) join(room string) error {
	v.mu.Lock()
	_, known := v.rooms[room]
	v.rooms[room] = v.rooms[room] || !known
	v.mu.Unlock()
	if known {
		return nil
	}
	_, err := v.call("join", room)
	return err
}

func (v *visit) leaveRoom(room string) error {
	v.mu.Lock()
	in := v.rooms[room]
	if in {
		v.rooms[room] = false
	}
	v.mu.Unlock()
	if !in {
		return nil
	}
	_, err := v.call("leave", room)
	return err
}

// anyRoom is a room that the client is in, or else some other.
func (v *visit) anyRoom() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	rooms := slices.Sorted(maps.Keys(v.rooms)) // a map's own order is not the seed's
	for _, i := range v.c.rng.Perm(len(rooms)) {
		if v.rooms[rooms[i]] {
			return rooms[i]
		}
	}
	return "nobody's room"
}

// say says the next thing in a room, as text or bytes, with an answer or
// without.
func (v *visit) say(room string, answer bool) error {
	rng := v.c.rng
	v.said[room]++
	args := []any{"say", room, v.said[room], strings.Repeat("x", rng.IntN(200))}
	if rng.IntN(8) == 0 {
		args[3] = strings.Repeat("y", 2000)
	}
	if rng.IntN(5) == 0 {
		args[0], args[3] = "blob", make([]byte, 1+rng.IntN(300))
	}
	if answer {
		_, err := v.call(args...)
		return err
	}
	return v.emit(args...)
}

func (v *visit) hint(room string) error {
	key := room + " hints"
	v.said[key]++
	return v.emit("hint", room, v.said[key])
}

// echo sends text and bytes and wants the same back.
func (v *visit) echo() error {
	n := v.c.rng.Uint32()
	raw := make([]byte, 1+v.c.rng.IntN(3000))
	raw[0], raw[len(raw)-1] = byte(n), byte(n)
	first, last := raw[0], raw[len(raw)-1]
	m, err := v.call("echo", n, raw)
	if err != nil {
		return err
	}
	args, err := m.args()
	switch {
	case err != nil:
		return err
	case len(args) != 2 || string(args[0]) != fmt.Sprint(n), len(m.blobs) != 1 || len(m.blobs[0]) != len(raw),
		m.blobs[0][0] != first, m.blobs[0][len(raw)-1] != last:
		return fmt.Errorf("an echo of %d and %d bytes came back as %.100q with %d attachments", n, len(raw), m.rest, len(m.blobs))
	}
	return nil
}

// visitSide joins one of the namespaces that exist while somebody is there.
func (v *visit) visitSide() error {
	name := fmt.Sprint("/side-", v.c.rng.IntN(50))
	if _, err := v.joinNamespace(name, ""); err != nil {
		return err
	}
	if _, err := v.callTo(name, "echo", "aside"); err != nil {
		return err
	}
	return v.send(text("41" + name + ","))
}

// joinNamespace returns the server's answer, which may be a refusal.
func (v *visit) joinNamespace(name, auth string) (*message, error) {
	answer := make(chan *message, 1)
	v.mu.Lock()
	v.side[name] = answer
	v.mu.Unlock()
	if err := v.send(text("40" + name + "," + auth)); err != nil {
		return nil, err
	}
	return v.await(answer, "the answer to CONNECT")
}
