package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// read reads until the connection ends, and checks all that comes.
func (v *visit) read() {
	l := v.current()
	for {
		v.gate.Lock()
		v.gate.Unlock() //lint:ignore SA2001 only to wait
		p, err := l.recv()
		if err == errPaused {
			close(v.parked)
			if l = <-v.switched; l != nil {
				continue
			}
			err = errGone
		}
		if err == nil {
			err = v.packet(p)
		}
		if err != nil {
			v.err = err
			if !v.mayEnd.Load() {
				v.c.crowd.broken("%s: a healthy connection ended (session %.6s): %v", v, v.session, err)
			}
			close(v.ended)
			return
		}
	}
}

func (v *visit) packet(p packet) error {
	if p.binary {
		return v.attachment(p.data)
	}
	if len(p.data) == 0 {
		return errors.New("the server sent an empty packet")
	}
	switch p.data[0] {
	case '1':
		return errors.New("the server closed the session")
	case '2':
		return v.send(text("3" + string(p.data[1:])))
	case '3', '6':
	case '4':
		v.c.crowd.count.received.Add(1)
		m, err := parseMessage(p.data[1:])
		if err != nil {
			return err
		}
		if v.partial != nil {
			return fmt.Errorf("%.60q came between a message and its attachments", p.data)
		}
		if m.attachments > 0 {
			v.partial = &m
			return nil
		}
		return v.message(&m)
	default:
		return fmt.Errorf("the server sent the packet %.60q", p.data)
	}
	return nil
}

func (v *visit) attachment(data []byte) error {
	m := v.partial
	if m == nil {
		return errors.New("the server sent an attachment that belongs to nothing")
	}
	if m.blobs = append(m.blobs, data); len(m.blobs) < m.attachments {
		return nil
	}
	v.partial = nil
	return v.message(m)
}

func (v *visit) message(m *message) error {
	switch m.kind {
	case sioEvent, sioBinaryEvent:
		return v.event(m)
	case sioAck, sioBinaryAck:
		v.mu.Lock()
		answer := v.waiting[m.id]
		delete(v.waiting, m.id)
		v.mu.Unlock()
		if answer == nil {
			v.c.crowd.broken("%s: event %d was answered twice", v, m.id)
			return nil
		}
		answer <- m
	case sioConnect, sioError:
		v.mu.Lock()
		answer := v.side[m.namespace]
		delete(v.side, m.namespace)
		v.mu.Unlock()
		if answer == nil {
			return fmt.Errorf("the server sent %c for namespace %s unasked", m.kind, m.namespace)
		}
		answer <- m
	case sioDisconnect:
		if m.namespace == "/" && !v.mayEnd.Load() {
			return errors.New("the server disconnected a healthy socket")
		}
	default:
		return fmt.Errorf("the server sent a packet of type %q", m.kind)
	}
	return nil
}

// event handles what the server has to say.
func (v *visit) event(m *message) error {
	args, err := m.args()
	if err != nil || len(args) == 0 {
		return fmt.Errorf("the server sent the event %.100q: %v", m.rest, err)
	}
	var name, sender, room string
	var n uint64
	get := func(i int, to any) {
		if i >= len(args) {
			err = errors.Join(err, errors.New("an argument is missing"))
		} else {
			err = errors.Join(err, json.Unmarshal(args[i], to))
		}
	}
	switch get(0, &name); name {
	case "said", "hint":
		get(1, &sender)
		get(2, &room)
		get(3, &n)
		if err == nil && name == "said" {
			v.heard(stream{sender, room}, n)
		} else if err == nil {
			v.hinted(stream{sender, room + " hints"}, n)
		}
	case "all":
		get(1, &n)
		v.toAll(n)
	case "question":
		if v.mute.Load() || m.id < 0 {
			return nil
		}
		get(1, &sender)
		answer, e := encode(sioAck, m.namespace, m.id, "re "+sender)
		if e != nil {
			return e
		}
		return v.send(answer...)
	case "burst":
	default:
		return fmt.Errorf("the server sent the event %q, %w", name, err)
	}
	return err
}

// heard checks a message of a room: each sender's come in order, none twice,
// and, from the first one on for as long as this client is in the room and has
// done nothing to lose one, none is left out.
func (v *visit) heard(k stream, n uint64) {
	v.mu.Lock()
	last, known := v.streams[k]
	in, joined := v.rooms[k.room]
	v.streams[k] = n
	v.mu.Unlock()
	switch {
	case !joined:
		v.c.crowd.broken("%s: heard room %s without having joined it", v, k.room)
	case known && n <= last:
		v.c.crowd.broken("%s: message %d of %s in %s came after %d: twice, or out of order", v, n, k.sender, k.room, last)
	case known && in && n != last+1 && !v.mayEnd.Load(): // a second poll may have taken it
		v.c.crowd.broken("%s: %d of %s in %s came after %d: messages are lost", v, n, k.sender, k.room, last)
	}
}

// hinted checks volatile messages: some may be left out.
func (v *visit) hinted(k stream, n uint64) {
	v.mu.Lock()
	last := v.streams[k]
	v.streams[k] = n
	v.mu.Unlock()
	if n <= last {
		v.c.crowd.broken("%s: volatile message %d in %s came after %d", v, n, k.room, last)
	}
}

func (v *visit) toAll(n uint64) {
	v.mu.Lock()
	last := v.all
	v.all = n
	v.mu.Unlock()
	if last != 0 && n != last+1 {
		v.c.crowd.broken("%s: message %d to all came after %d", v, n, last)
	}
}
