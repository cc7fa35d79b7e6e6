package main

import (
	"io"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// good is a report with nothing to complain of.
func good() report {
	r := report{Goroutines: 20, Heap: 10 << 20, Files: 12, Connected: 1, Books: &books{}}
	r.Stats.Namespaces = 1
	r.Stats.Engine = engineio.Stats{
		Opened: 5, Closed: map[engineio.Reason]uint64{"a": 2, "b": 3}, MessagesOut: 12, Delivered: 9, Abandoned: 3,
	}
	r.Stats.Connected, r.Stats.Disconnected = 6, map[socketio.DisconnectReason]uint64{"a": 6}
	r.Stats.Sent, r.Stats.Dropped = 10, map[socketio.Drop]uint64{"a": 1, "b": 1}
	r.Stats.Errors, r.Stats.Panics = 1, 1
	r.Books.Emitted.add(12)
	r.Books.Panicked.add(1)
	return r
}

// samples are those of a round in which nothing grows.
func samples(n int) (list []report) {
	for range n {
		list = append(list, good())
	}
	return list
}

// Each thing that can go wrong leads to its sentence, and to no other.
func TestVerdict(t *testing.T) {
	for want, spoil := range map[string]func(j *judgement){
		"": func(*judgement) {},
		"1 sessions are left": func(j *judgement) {
			j.end.Stats.Engine.Sessions, j.end.Stats.Engine.Opened = 1, 6
		},
		"1 sockets are left":       func(j *judgement) { j.end.Stats.Sockets, j.end.Stats.Connected = 1, 7 },
		"2 rooms are left":         func(j *judgement) { j.end.Books.Rooms.add(2) },
		"1 namespaces":             func(j *judgement) { j.end.Stats.Namespaces = 2 },
		"1 connections":            func(j *judgement) { j.end.Connected = 2 },
		"goroutines are left":      func(j *judgement) { j.end.Goroutines = 25 },
		"descriptors are left":     func(j *judgement) { j.end.Files = 13 },
		"the heap without clients": func(j *judgement) { j.end.Heap = 13 << 20 },
		"the heap with clients":    func(j *judgement) { j.samples[7].Heap, j.samples[6].Heap = 20<<20, 20<<20 },
		"goroutines grew": func(j *judgement) {
			j.samples[7].Goroutines, j.samples[6].Goroutines = 200, 200
		},
		"sessions were opened":         func(j *judgement) { j.end.Stats.Engine.Opened++ },
		"sockets were let in":          func(j *judgement) { j.end.Stats.Connected++ },
		"the engine took":              func(j *judgement) { j.end.Stats.Engine.Delivered-- },
		"the application has emitted":  func(j *judgement) { j.end.Stats.Sent-- },
		"and the engine took":          func(j *judgement) { j.end.Stats.Sent, j.end.Stats.Dropped = 13, nil; j.end.Books.Emitted.add(1) },
		"questions were asked":         func(j *judgement) { j.end.Books.Asked.add(1) },
		"handlers have panicked":       func(j *judgement) { j.end.Books.Panicked.add(1) },
		"handlers have failed":         func(j *judgement) { j.end.Stats.Errors++ },
		"of which the server has":      func(j *judgement) { j.received = 10 },
		"a client's complaint":         func(j *judgement) { j.wrong = []string{"a client's complaint"} },
		"the application's complaint":  func(j *judgement) { j.stopped.Wrong = []string{"the application's complaint"} },
		"soak: the engine took 12 mes": func(j *judgement) { j.stopped.Stats.Engine.Abandoned-- },
	} {
		j := &judgement{base: good(), samples: samples(8), end: good(), stopped: good(), received: 9}
		spoil(j)
		err := j.verdict()
		switch {
		case want == "" && err != nil:
			t.Errorf("complains of nothing: %v", err)
		case want != "" && (err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v", want, err)
		}
	}
}

func say(v *visit, who, room string, numbers ...uint64) {
	for _, n := range numbers {
		v.heard(stream{who, room}, n)
	}
}

// Each thing that a client can hear wrongly is noticed.
func TestClientsNotice(t *testing.T) {
	for want, hear := range map[string]func(v *visit){
		"": func(v *visit) {
			say(v, "anna", "room", 3, 4, 5)
			say(v, "ben", "room", 1, 2)
			v.rooms["other"] = false
			say(v, "anna", "other", 1, 7) // nothing is promised to who has left
			v.toAll(5)
			v.toAll(6)
			v.mayEnd.Store(true)
			say(v, "ben", "room", 4) // nor to who polls twice, and does not read the one answer
			v.hinted(stream{"anna", "room hints"}, 2)
			v.hinted(stream{"anna", "room hints"}, 9)
		},
		"twice":                  func(v *visit) { say(v, "anna", "room", 3, 4, 4) },
		"out of order":           func(v *visit) { say(v, "anna", "room", 3, 4, 3) },
		"messages are lost":      func(v *visit) { say(v, "anna", "room", 3, 5) },
		"without having joined":  func(v *visit) { say(v, "anna", "elsewhere", 3) },
		"message 7 to all":       func(v *visit) { v.toAll(5); v.toAll(7) },
		"volatile message 2":     func(v *visit) { v.hinted(stream{"a", "b"}, 2); v.hinted(stream{"a", "b"}, 2) },
		"event 3 was answered":   func(v *visit) { _ = v.packet(text(`433["x"]`)) },
		"has heard message 2 of": func(v *visit) { v.said["room"] = 4; say(v, "me", "room", 1, 2) },
	} {
		c := newCrowd(options{Clients: 1}, "", io.Discard)
		v := &visit{
			c: &client{crowd: c}, id: "me", streams: map[stream]uint64{}, rooms: map[string]bool{"room": true},
			said: map[string]uint64{}, waiting: map[int64]chan *message{},
		}
		hear(v)
		c.compare([]*visit{v}, v.all)
		if got := strings.Join(c.wrong, "; "); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %s", want, got)
		}
	}
}
