//go:build unix

package mesh

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The binary runs itself with this set to be another node: its address and the
// other's.
const childEnv = "MESH_TEST_CHILD"

const burst = 5000

// TestChild is the other node: it hears a burst, and says whether it was whole.
func TestChild(t *testing.T) {
	at := strings.Fields(os.Getenv(childEnv))
	if len(at) != 2 {
		return
	}
	b := start(t, "b", Options{Nodes: at, Listen: at[0]})
	defer b.close()
	b.wait("to be heard", func() bool {
		b.say("ready")
		return slices.ContainsFunc(b.got, func(s string) bool { return strings.Contains(s, "heard") })
	})
	b.wait("the last of the burst", func() bool {
		return slices.ContainsFunc(b.got, func(s string) bool { return strings.HasSuffix(s, fmt.Sprintf(`["%d"]`, burst-1)) })
	})
	b.mu.Lock()
	next := 0
	for _, s := range b.got {
		if strings.HasSuffix(s, fmt.Sprintf(`["%d"]`, next)) {
			next++
		}
	}
	b.mu.Unlock()
	b.say(fmt.Sprintf("%d in order", next))
	b.wait("goodbye", func() bool {
		return slices.ContainsFunc(b.got, func(s string) bool { return strings.Contains(s, "goodbye") })
	})
}

// A process that is stopped keeps nobody waiting, and when it goes on it has
// missed nothing.
func TestStoppedNode(t *testing.T) {
	at := free(t, 2)
	a := start(t, "a", Options{Nodes: at, Listen: at[0]})
	defer a.close()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childEnv+"="+at[1]+" "+at[0])
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = child.Process.Kill()
			_ = child.Wait()
			t.Log(out.String())
		}
	}()
	has := func(text string) func() bool {
		return func() bool {
			return slices.ContainsFunc(a.got, func(s string) bool { return strings.Contains(s, text) })
		}
	}
	a.wait("the other node", has("ready"))
	a.say("heard")
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for i := range burst {
		a.say(fmt.Sprint(i))
	}
	a.wait("an empty queue", func() bool { return a.Stats().Queued == 0 })
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.wait("its report", has("in order"))
	if !has(fmt.Sprintf("%d in order", burst))() {
		t.Errorf("it has missed something: %q", a.got[len(a.got)-1])
	}
	a.say("goodbye")
	if err := child.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	ended = true
}
