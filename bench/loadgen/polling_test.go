//go:build linux

package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

// pollServer is one Engine.IO 4 session on long-polling that acknowledges
// echo. It ends the connection of every third post after the answer.
func pollServer() *httptest.Server {
	packets := make(chan string, 100)
	posts := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := "ok"
		switch {
		case r.URL.Query().Get("sid") == "":
			answer = `0{"sid":"s1","upgrades":[]}`
		case r.Method == "POST":
			body, _ := io.ReadAll(r.Body)
			if posts++; posts%3 == 0 {
				w.Header().Set("Connection", "close")
			}
			for p := range bytes.SplitSeq(body, []byte{packetMark}) {
				if string(p) == "40" {
					packets <- `40{"sid":"x"}` + "\x1e2" // with a ping
				} else if args, ok := bytes.CutPrefix(p, []byte(`42`)); ok {
					id, value, _ := bytes.Cut(args, []byte(`["echo",`))
					packets <- "43" + string(id) + "[" + string(value)
				}
			}
		default:
			select {
			case answer = <-packets:
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		io.WriteString(w, answer)
	}))
}

func TestPolling(t *testing.T) {
	s := pollServer()
	defer s.Close()
	l, err := newLoop(dialOptions{addr: [4]byte{127, 0, 0, 1}, ports: []int{s.Listener.Addr().(*net.TCPAddr).Port},
		path: "/socket.io/", dialect: dialect{eio: 4}, polling: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	echoes(t, l)
}

// echoes connects one client and lets it make 50 round trips.
func echoes(t *testing.T, l *loop) {
	t.Helper()
	if err := l.connect(1, 1, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	body, err := newPayload("string", 64)
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{l: l, body: body, lat: new(hist), until: now() + int64(5*time.Second)}
	l.message = e.reply
	e.ask(l.conns[0])
	if err := l.runUntil(e.until, func() bool { return e.count >= 50 || l.failed > 0 }); err != nil {
		t.Fatal(err)
	}
	if e.count < 50 || e.bad > 0 || l.failed > 0 {
		t.Fatalf("%d round trips, %d bad, %v", e.count, e.bad, l.firstE)
	}
}

func TestResponse(t *testing.T) {
	const one = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
	for cut := range len(one) {
		if _, _, err := response([]byte(one[:cut])); err != errShort {
			t.Fatalf("cut to %d: %v", cut, err)
		}
	}
	body, rest, err := response([]byte(one + one))
	if err != nil || string(body) != "ok" || string(rest) != one {
		t.Fatalf("%q %q %v", body, rest, err)
	}
	if _, _, err := response([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")); err == nil {
		t.Fatal("status 400 accepted")
	}
}
