package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
)

func TestMain(m *testing.M) {
	if os.Getenv(serverEnv) != "" {
		main()
		return
	}
	leak.Main(m)
}

// A short round of what `make soak` does for hours. It lasts until each fault
// has happened, and nothing in it is judged by the clock.
func TestSoak(t *testing.T) {
	var out strings.Builder
	err := soak(options{
		Clients: 150, Warm: time.Second, For: 3 * time.Second, Every: time.Second,
		Life: 2 * time.Second, Pace: 300 * time.Millisecond, Seed: uint64(time.Now().UnixNano()), Tidy: true,
	}, nil, &out)
	t.Log(out.String())
	if err != nil {
		t.Error(err)
	}
}

// Short polling sessions over connections in use: none is refused anything.
func TestBrief(t *testing.T) {
	var out strings.Builder
	err := brief(options{Brief: 4, For: time.Second, Every: time.Second, Seed: uint64(time.Now().UnixNano())}, nil, &out)
	t.Log(out.String())
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(out.String(), "\n0 sessions in") {
		t.Error("nobody came")
	}
}
