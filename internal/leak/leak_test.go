package leak

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The binary runs itself with this set to see its own TestMain fail.
const childEnv = "LEAK_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(run(m.Run, 20*time.Millisecond))
	}
	Main(m)
}

func hangs(c chan struct{}) { <-c }

func TestChild(t *testing.T) {
	switch os.Getenv(childEnv) {
	case "leaks":
		for range 3 {
			go hangs(nil)
		}
	case "late": // ends, but after the test
		done := make(chan struct{})
		time.AfterFunc(5*time.Millisecond, func() { close(done) })
		go hangs(done)
	case "fails":
		go hangs(nil)
		t.Error("the cause")
	}
}

func child(t *testing.T, mode string) (code int, out string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+mode)
	var buf bytes.Buffer
	cmd.Stdout, cmd.Stderr = &buf, &buf
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), buf.String()
}

func TestLeftGoroutinesFailTheRun(t *testing.T) {
	code, out := child(t, "leaks")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"left running: 3 goroutine(s)", "3 × [chan receive (nil chan)", "leak.hangs\n", "started by", "leak_test.go:"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestSlowEndIsNoLeak(t *testing.T) {
	if code, out := child(t, "late"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestFailedTestsAreReportedAlone(t *testing.T) {
	code, out := child(t, "fails")
	if code != 1 || !strings.Contains(out, "the cause") || strings.Contains(out, "left running") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestOfRuntime(t *testing.T) {
	for maker, want := range map[string]bool{
		"os/signal.Notify.func1.1": true,
		"testing.(*T).Run":         true,
		"":                         true,
		"example.com/x.New":        false,
		"runtimex.New":             false,
	} {
		if got := (goroutine{maker: maker}).ofRuntime(); got != want {
			t.Errorf("started by %q: %v, want %v", maker, got, want)
		}
	}
}
