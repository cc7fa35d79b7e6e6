package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func inCluster(url string) Config {
	c := DefaultConfig()
	c.Cluster.URL = url
	return c
}

// Without a broker the program serves all the same, says so, and is ready after
// a while; unless the cluster is required.
func TestStartWithoutABroker(t *testing.T) {
	for _, url := range []string{"redis://:SECRET@" + freeport.Reserve(t), "nats://u:SECRET@" + freeport.Reserve(t)} {
		var log bytes.Buffer
		config := inCluster(url)
		s, err := New(config, site(), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if w := fetch(s, "/"); w.Code != http.StatusOK {
			t.Errorf("%s: a page: %d", url, w.Code)
		}
		w := fetch(s, "/readyz")
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "cluster: not connected by ") {
			t.Errorf("%s: at the start: %d %s", url, w.Code, w.Body)
		}
		s.started = s.started.Add(-clusterPatience)
		if w := fetch(s, "/readyz"); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "ready\ncluster: not connected by ") {
			t.Errorf("%s: after a while: %d %s", url, w.Code, w.Body)
		}
		s.config.Cluster.Required = true
		if w := fetch(s, "/readyz"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: required: %d %s", url, w.Code, w.Body)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(log.String(), "SECRET") {
			t.Errorf("the log tells the password: %s", log.String())
		}
	}
}

// Two programs are a cluster without any other, as a page of one sees in the
// other's; and their secret and key count.
func TestMesh(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	secret, key := write("secret", "0123456789abcdef\n"), write("key", "fedcba9876543210")
	addresses := []string{freeport.Reserve(t), freeport.Reserve(t)}
	config := func(i int) Config {
		c := inCluster("mesh://" + strings.Join(addresses, ","))
		c.Cluster.Listen, c.Cluster.SecretFile, c.Cluster.KeyFile, c.Cluster.Name = addresses[i], secret, key, fmt.Sprint("node ", i)
		return c
	}
	a, b := program(t, config(0)), program(t, config(1))
	eventually(t, "both are ready and know each other", func() bool {
		for _, s := range []*Server{a, b} {
			if w := fetch(s, "/readyz"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "2 nodes") {
				return false
			}
		}
		return true
	})
	if st, _ := a.IO().Cluster(); len(st.Others) != 1 || st.Others[0].Name != "node 1" {
		t.Errorf("others: %+v", st.Others)
	}
	if text := fetch(a, "/metrics").Body.String(); !strings.Contains(text, "\nsockeye_cluster_nodes 2\n") || !strings.Contains(text, "\nsockeye_cluster_connected 1\n") {
		t.Error("the metrics do not tell of two nodes")
	}

	// What one says arrives at the other's clients.
	c := socketiotest.Serve(t, b.IO()).Connect(&socketiotest.Options{Namespace: "/chat"})
	if err := a.IO().Of("/chat").Emit("over", 1); err != nil {
		t.Error(err)
	}
	c.Next("over")

	// A third one, at an address that is taken, is an error and no panic.
	if s, err := New(config(0), site(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an address was taken twice", s.Close())
	} else if !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
}

// A start that fails late leaves nothing behind: no node in the cluster, no
// address taken, no goroutine.
func TestFailedStartLeavesNothing(t *testing.T) {
	address := freeport.Reserve(t)
	config := inCluster("mesh://" + address)
	config.Cluster.Listen = address
	bad := map[string]func(*Config){
		"the admin's hash": func(c *Config) { c.Admin = "ann:plain" },
		"the API's tokens": func(c *Config) { c.APITokenFile = filepath.Join(t.TempDir(), "none") },
		"the folder":       func(c *Config) { c.Public = filepath.Join(t.TempDir(), "none") },
	}
	for name, change := range bad {
		c := config
		change(&c)
		if s, err := New(c, site(), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: it starts: %v", name, s.Close())
		} else if strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: what was before it still has the address: %v", name, err)
		}
	}
	program(t, config)
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	patience := slow.Stretch(20 * time.Second)
	end := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited %v until %s", patience, what)
		}
	}
}
