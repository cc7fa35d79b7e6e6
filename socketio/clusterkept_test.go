package socketio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
)

// kept is a client's connection that stays open between requests.
type kept struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (a *apart) kept(i int) *kept {
	a.t.Helper()
	c, err := net.Dial("tcp", a.web[i].Listener.Addr().String())
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(slow.Stretch(30 * time.Second)))
	return &kept{a.t, c, bufio.NewReader(c)}
}

func (k *kept) say(s string) {
	k.t.Helper()
	if _, err := io.WriteString(k, s); err != nil {
		k.t.Error(err)
	}
}

// hear is the next answer: its status and body, or why there is none.
func (k *kept) hear() string {
	text, _ := k.answer()
	return text
}

func (k *kept) answer() (string, http.Header) {
	res, err := http.ReadResponse(k.r, nil)
	if err != nil {
		return err.Error(), nil
	}
	if res.Close {
		res.Header.Set("Connection", "close") // ReadResponse has taken it out
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Sprint(res.StatusCode, " ", err), res.Header
	}
	return fmt.Sprint(res.StatusCode, " ", string(b)), res.Header
}

func (k *kept) hears(want string) {
	k.t.Helper()
	if got := k.hear(); got != want {
		k.t.Errorf("got %.200q, want %.200q", got, want)
	}
}

// closed expects the end.
func (k *kept) closed() {
	k.t.Helper()
	if b, err := io.ReadAll(k.r); len(b) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
		k.t.Errorf("%q, %v, not the end", b, err)
	}
}

func getOf(sid string, lines ...string) string {
	lines = append([]string{"GET /socket.io/?EIO=4&transport=polling&sid=" + sid + " HTTP/1.1", "Host: x"}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func postOf(sid, body string, lines ...string) string {
	lines = append([]string{"POST /socket.io/?EIO=4&transport=polling&sid=" + sid + " HTTP/1.1", "Host: x", fmt.Sprint("Content-Length: ", len(body))}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}
