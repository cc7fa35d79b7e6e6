package gate

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func try(t *testing.T, log *bytes.Buffer) *Gate {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost) // quickly
	if err != nil {
		t.Fatal(err)
	}
	g, err := New("ann:"+string(hash), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Who guesses is slowed down, by address; who is in stays in, and no password
// gets into the log.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := try(t, &log)
		for user, password := range map[string]string{"ann": "Secret", "ben": "secret", "": "", "ann ": "secret"} {
			if err := g.Check("192.0.2.1:5", user, password); err != ErrWrong {
				t.Errorf("%q %q: %v", user, password, err)
			}
		}
		if err := g.Check("192.0.2.1:6", "ann", "secret"); err != nil {
			t.Error(err)
		}
		for i := range most {
			if err := g.Check(fmt.Sprint("192.0.2.1:", 10+i), "ann\n"+strings.Repeat("x", 1000), "gue\nss"); err != ErrWrong {
				t.Fatal(i, err)
			}
		}
		if err := g.Check("192.0.2.1:7", "ann", "another"); err != ErrTooMany {
			t.Error(err)
		}
		if err := g.Check("192.0.2.1", "ann", "secret"); err != nil {
			t.Error("who is in is put out by a guesser beside:", err)
		}
		if err := g.Check("[2001:db8::1]:7", "ann", "another"); err != ErrWrong {
			t.Error("another address:", err)
		}
		time.Sleep(window)
		if err := g.Check("192.0.2.1:8", "ann", "another"); err != ErrWrong {
			t.Error("a minute later:", err)
		}
		if text := log.String(); strings.Contains(text, "gue") || strings.Contains(text, "secret") || strings.Count(text, "\n") > 20 || len(text) > 20*400 {
			t.Errorf("the log has it:\n%s", text)
		}
	})
}

// Many at once are as many as one after the other, and the networks of IPv6 are
// one address each.
func TestGuessingAtOnce(t *testing.T) {
	var log bytes.Buffer
	g := try(t, &log)
	var mu sync.Mutex
	looked := 0
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if g.Check(fmt.Sprintf("[2001:db8::%x]:1", i), "ann", fmt.Sprint(i)) == ErrWrong {
				mu.Lock()
				looked++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if looked != most {
		t.Errorf("%d of 40 passwords were looked at", looked)
	}
}

func TestAddressesAreBounded(t *testing.T) {
	var log bytes.Buffer
	g := try(t, &log)
	now := time.Now()
	for i := range 3 * maxAddrs {
		g.fail(network(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)), now)
	}
	if n := len(g.failed); n > maxAddrs {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestCredentials(t *testing.T) {
	hash, err := Hash("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "ann", "ann:", ":" + hash, "ann:secret", "ann:" + hash[:50], "ann:" + strings.Replace(hash, "$10$", "$20$", 1)} {
		if _, err := New(bad, nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, bad := range []string{"", strings.Repeat("x", 73)} {
		if _, err := Hash(bad); err == nil {
			t.Errorf("a password of %d bytes is taken", len(bad))
		}
	}
}
