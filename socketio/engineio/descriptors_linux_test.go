package engineio

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
)

// noDescriptors lets the process open nothing until it is told to again.
func noDescriptors(t *testing.T) (again func()) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
}

// A connection that is taken over while there are no descriptors is read by a
// goroutine, and is as good as any other: what is not for us goes back to the
// HTTP server.
func TestAdoptedWithoutDescriptors(t *testing.T) {
	r := tcpRig(t, quiet(), nil)
	r.client.Timeout = slow.Stretch(10 * time.Second)
	q, e := r.open(4)
	again := noDescriptors(t) // so a second connection would not be let in
	for range 3 {
		want(t, "a post", r.post(q, "4x"), "200 ok")
		want(t, "a poll", r.get(q), "200 4x")
		status, answer, _ := r.request("PUT", q, "x")
		want(t, "another request", fmt.Sprint(status, " ", answer), bad)
	}
	again()
	for range 20 { // the next request comes before the answer to a poll
		c := r.dial()
		_ = c.SetDeadline(time.Now().Add(slow.Stretch(10 * time.Second)))
		in := bufio.NewReader(c)
		answered := func() {
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
		}
		const rest = " / HTTP/1.1\r\nHost: host.example\r\n\r\n"
		_, _ = io.WriteString(c, "GET"+rest)
		answered() // so it was accepted
		again := noDescriptors(t)
		_, _ = io.WriteString(c, "GET /engine.io/?"+q+rest[2:]+"PUT"+rest)
		r.waitPoll(e)
		_ = e.s.Send(text("z"), 0)
		answered()
		answered()
		again()
		_ = c.Close()
	}
	if e.s.Closed() {
		t.Error("the session has ended")
	}
}
