package socketio

import (
	"crypto/sha256"
	"reflect"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Session hijack: private ids are found by their hash, never compared with
// what a client sends. So the time an answer takes tells nothing of how much of
// a guess was right.
func TestPrivateIDsAreFoundByHash(t *testing.T) {
	srv := New(&Options{Recovery: &Recovery{}})
	defer srv.Close()
	r := newRecovery(srv, srv.root)
	for name, found := range map[string]any{"connected": r.here, "absent": r.absents.away} {
		if key := reflect.TypeOf(found).Key(); key != reflect.TypeFor[[sha256.Size]byte]() {
			t.Errorf("%s clients are found by %v", name, key)
		}
	}
	r.lock()
	defer r.unlock()
	s, other := &Socket{id: "public", ns: srv.root, sess: new(engineio.Session)}, &Socket{id: "other", ns: srv.root}
	pid := r.enroll(s)
	if len(pid) < 20 || pid == s.id || pid == r.enroll(other) {
		t.Errorf("private id %q", pid)
	}
	key := sha256.Sum256([]byte(pid))
	if r.here[key] != s {
		t.Error("while it is connected, it is not found by its hash")
	}
	if r.leave(s, true); r.absents.away[key] == nil || r.here[key] != nil {
		t.Error("while it is away, it is not found by its hash")
	}
}
