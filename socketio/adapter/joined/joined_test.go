package joined

import (
	"testing"
	"time"
)

func TestRooms(t *testing.T) {
	var r Rooms
	if r.Has("/", "r") {
		t.Error("nobody has joined yet")
	}
	r.Add("/", []string{"r"})
	if !r.Has("/", "r") || r.Has("/", "s") || r.Has("/r", "") {
		t.Error("a wrong room has been joined")
	}
	if later := time.Now().Add(lasts + time.Second); r.has("/", "r", later) || len(r.rooms) != 0 || r.until.Load() != 0 {
		t.Error("a join is remembered for too long")
	}
	r.Add("/", make([]string, most+1))
	if !r.Has("/", "any") || len(r.rooms) != 0 {
		t.Error("too many joins are not remembered as all")
	}
}
