//go:build unix

package postgres

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
)

func TestMain(m *testing.M) {
	leak.Main(m, func() {
		if shared != nil {
			shared.kill()
			_ = os.RemoveAll(shared.dir)
		}
	})
}

// A server is a PostgreSQL of the tests' own, on a free port and with a folder of
// its own. It does not run as root: the server refuses that.
type server struct {
	dir  string
	addr string
	as   *syscall.Credential // nil: as this process
	cmd  *exec.Cmd
	out  bytes.Buffer
}

var (
	shared    *server
	prefixes  int
	sharedErr error
	once      sync.Once
)

// newServer returns the one server of all tests, running, and a prefix that is the
// test's own.
func newServer(t testing.TB) (*server, string) {
	t.Helper()
	once.Do(func() { shared, sharedErr = makeServer() })
	if sharedErr != nil {
		t.Fatalf("%v (scripts/setup installs PostgreSQL)", sharedErr)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("postgres %s:\n%s", shared.addr, shared.out.String())
		}
	})
	shared.start(t)
	prefixes++
	return shared, "p" + strconv.Itoa(prefixes)
}

// program finds one of PostgreSQL's, which Debian keeps off the path.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return name
	}
	return slices.Max(found)
}

func makeServer() (*server, error) {
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return nil, err
	}
	addr, _, err := freeport.Take() // of all tests
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, addr: addr}
	if os.Getuid() == 0 {
		if s.as, err = somebody(); err == nil {
			err = os.Chown(dir, int(s.as.Uid), int(s.as.Gid))
		}
		if err != nil {
			return nil, err
		}
	}
	made := s.command("initdb", "-D", s.data(), "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	rules := "host all secretive 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
	return s, os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o644)
}

// somebody is a user who is not root.
func somebody() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("user %s:%s", u.Uid, u.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(program(name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.as}
	return cmd
}

// start starts it if it does not run.
func (s *server) start(t testing.TB) {
	t.Helper()
	if s.cmd != nil {
		return
	}
	_, port, _ := net.SplitHostPort(s.addr)
	args := []string{"-D", s.data(), "-p", port}
	for _, setting := range []string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "full_page_writes=off", "shared_buffers=8MB",
		"max_connections=60", "autovacuum=off", "jit=off", "log_min_messages=fatal", "dynamic_shared_memory_type=mmap"} {
		args = append(args, "-c", setting)
	}
	s.out.Reset()
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "postgres answers", func() bool {
		c, err := s.connect()
		if err != nil {
			return false
		}
		_ = c.Close(context.Background())
		return true
	})
}

// kill ends it, and all its processes, without a word.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // its processes share its group
	_ = s.cmd.Wait()
	s.cmd = nil
}

// signal tells all its processes.
func (s *server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	for _, pid := range s.processes(t) {
		if err := syscall.Kill(pid, sig); err != nil && err != syscall.ESRCH {
			t.Fatal(err)
		}
	}
}

// processes are it and its children, which make sessions of their own.
func (s *server) processes(t testing.TB) []int {
	t.Helper()
	pids := []int{s.cmd.Process.Pid}
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pids[0])).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields(string(out)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func (s *server) url() string { return "postgres://tester@" + s.addr + "/postgres?sslmode=disable" }

func (s *server) connect() (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return pgconn.Connect(ctx, s.url())
}

// do carries out a statement of the test's own, and returns the first column.
func (s *server) do(t testing.TB, sql string, args ...string) (column []string) {
	t.Helper()
	c, err := s.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	values := make([][]byte, len(args))
	for i, arg := range args {
		values[i] = []byte(arg)
	}
	r := c.ExecParams(context.Background(), sql, values, nil, nil, nil).Read()
	if r.Err != nil {
		t.Fatalf("%s: %v", sql, r.Err)
	}
	for _, row := range r.Rows {
		column = append(column, string(row[0]))
	}
	return column
}

// until waits for a condition.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(slow.Stretch(20 * time.Second))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
		<-tick.C
	}
}
