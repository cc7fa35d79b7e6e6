package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take returns the messages, and forgets them.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for line := range strings.Lines(l.text.String()) {
		list = append(list, strings.TrimSpace(line))
	}
	l.text.Reset()
	return list
}

func message(_ []string, a slog.Attr) slog.Attr {
	if a.Key != slog.MessageKey && a.Key != slog.LevelKey {
		return slog.Attr{}
	}
	return a
}

// TestDev: in development a misspelt name is told in the log, with what there is
// and what was perhaps meant; once in a while and with a limit, as a client can
// cause it. Otherwise only what was refused is.
func TestDev(t *testing.T) {
	for _, dev := range []bool{true, false} {
		t.Run(fmt.Sprint(dev), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log lines
				io := echoServer(&socketio.Options{Dev: dev, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: message}))})
				chat := io.Of("/chat")
				chat.On("chat message", doing(func() {}))
				chat.OnConnect(func(_ context.Context, s *socketio.Socket) { s.On("typing", doing(func() {})) })
				io.OfPattern(regexp.MustCompile(`^/room-\d+$`))
				c := socketiotest.Serve(t, io).Connect(nil)
				d := c.Join("/chat", nil)
				log.take()
				expect := func(want ...string) {
					t.Helper()
					synctest.Wait()
					got := log.take()
					if !dev {
						want = nil
					}
					if len(got) != len(want) {
						t.Fatalf("%d lines: %s", len(got), strings.Join(got, "\n"))
					}
					for i := range want {
						if line := `level=WARN msg=` + strconv.Quote("socketio: "+want[i]); got[i] != line {
							t.Errorf("logged\n%s\nwant\n%s", got[i], line)
						}
					}
				}
				for range 3 {
					_ = d.Emit("chat mesage")
					_ = d.Emit("chat message")
					_ = d.Emit("typing")
				}
				expect(`nobody handles "chat mesage" in /chat (there are "chat message", "typing"); did you mean "chat message"?`)
				_ = d.Emit("quite something else")
				expect(`nobody handles "quite something else" in /chat (there are "chat message", "typing")`)
				_ = d.Emit("typnig")
				expect(`nobody handles "typnig" in /chat (there are "chat message", "typing"); did you mean "typing"?`)
				if _, err := c.TryJoin("/chta", nil); err == nil {
					t.Error("there is a /chta")
				}
				if !dev { // that it was refused is told anyway
					synctest.Wait()
					if got := log.take(); len(got) != 1 || !strings.Contains(got[0], "a client asks for a namespace that there is not") {
						t.Errorf("logged %s", got)
					}
				}
				expect(`a client asked for /chta; there are /, /chat, "^/room-\\d+$"; did you mean /chat?`)
				time.Sleep(time.Minute)
				_ = d.Emit("chat mesage\nlevel=ERROR")
				synctest.Wait()
				if got := log.take(); len(got) > 1 || dev && !strings.Contains(got[0], `mesage\\nlevel`) {
					t.Errorf("logged %s", got)
				}
				for i := range 1000 {
					_ = d.Emit(fmt.Sprint("flood ", i))
				}
				synctest.Wait()
				if got := log.take(); len(got) > 19 || dev && !strings.Contains(got[len(got)-1], "no more of these lines") {
					t.Errorf("%d lines: %s", len(got), got)
				}
				// Who looks at all events is not told; who only lets them pass is.
				time.Sleep(time.Minute)
				io.UsePacket(func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
				_ = c.Emit("ecko")
				expect(`nobody handles "ecko" in / (there are "echo"); did you mean "echo"?`)
				io.OnAny(doing(func() {}))
				_ = c.Emit("eccho")
				expect()
			})
		})
	}
}
