//go:build unix

package redis

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// script is a connection on which a text comes, and then its end.
type script struct {
	net.Conn
	r io.Reader
}

func (s script) Read(b []byte) (int, error)     { return s.r.Read(b) }
func (script) SetReadDeadline(time.Time) error  { return nil }
func (script) SetWriteDeadline(time.Time) error { return nil }
func (script) Write(b []byte) (int, error)      { return len(b), nil }

func says(text string) *conn { return newConn(script{r: strings.NewReader(text)}) }

// What has come together is told as such, and that there is no more before waiting
// for it.
func TestMoreAtHand(t *testing.T) {
	push := "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"
	c := newConn(script{r: io.MultiReader(strings.NewReader(push+push), strings.NewReader(push))})
	var told []string
	c.gather = func(more bool) { told = append(told, fmt.Sprint(more)) }
	for range 3 {
		if _, _, _, err := c.next(rdbuf); err != nil {
			t.Fatal(err)
		}
		told = append(told, "message")
	}
	c.tell(false) // as who reads does in the end
	c.tell(false)
	if got, want := strings.Join(told, " "), "true message message false true message false"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestPushes(t *testing.T) {
	long := strings.Repeat("x", 3*rdbuf)
	for text, want := range map[string]string{
		"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$3\r\nx\r\n\r\n":                  `3 a "";1 ab "x\r\n";EOF`,
		"*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n":                                                  `1  "";0  "";EOF`,
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n":                                                                                  `0  "";EOF`,
		fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$%d\r\n%s\r\n*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$1\r\ny\r\n", len(long), long): `2 a "";1 b "y";EOF`,
		"-NOPERM no\r\n": "redis: the server says: NOPERM no",
		"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nx":          "EOF",
		"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1999999999\r\nx": "EOF",
		"*3\r\n$70\r\n":              errProtocol.Error(),
		"*4\r\n$7\r\nmessage\r\n":    errProtocol.Error(),
		"*-2\r\n":                    errProtocol.Error(),
		"*3\n":                       errProtocol.Error(),
		">3\r\n":                     "redis: the server does not speak RESP2: a reply begins with '>'",
		strings.Repeat("1", 2*rdbuf): errProtocol.Error(),
	} {
		c := says(text)
		var got []string
		for {
			kind, channel, payload, err := c.next(2 * rdbuf)
			if err != nil {
				got = append(got, err.Error())
				break
			}
			got = append(got, fmt.Sprintf("%d %s %q", kind, channel, payload))
		}
		if s := strings.Join(got, ";"); s != want {
			t.Errorf("%.80q: %s, want %s", text, s, want)
		}
	}
}

// A message that is too large is passed over, and takes no memory.
func TestLargePushTakesNoMemory(t *testing.T) {
	const size = 64 << 20
	c := newConn(script{r: io.MultiReader(strings.NewReader(fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$%d\r\n", size)),
		io.LimitReader(zeros{}, size), strings.NewReader("\r\n"))})
	if kind, _, _, err := c.next(1 << 20); kind != pushLarge || err != nil {
		t.Error(kind, err)
	}
	if _, _, _, err := c.next(1 << 20); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if cap(c.large) > 0 {
		t.Errorf("%d bytes were taken", cap(c.large))
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Whatever a server says, reading ends.
func FuzzReplies(f *testing.F) {
	f.Add("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n")
	f.Add("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$3\r\nuid\r\n$1\r\na\r\n")
	f.Add("*-1\r\n$-1\r\n:5\r\n+OK\r\n-ERR x\r\n")
	f.Add(strings.Repeat("*1\r\n", 100))
	a, err := NewStreams(Options{Addrs: []string{"127.0.0.1:1"}})
	if err != nil {
		f.Fatal(err)
	}
	a.base.In.Open(&counter{quiet: true})
	f.Fuzz(func(t *testing.T, text string) {
		c := says(text)
		for {
			if _, _, _, err := c.next(1 << 16); err != nil {
				break
			}
		}
		c = says(text)
		for {
			if _, err := c.reply(0); err != nil {
				break
			}
		}
		if err := a.form.(*streams).log.read(says(text)); err == nil {
			t.Error("reading ended without an error")
		}
	})
}
