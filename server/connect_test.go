package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// ask sends one request and returns status, headers and body.
func ask(t *testing.T, client *http.Client, method, url, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func newClient(t *testing.T) *http.Client {
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// join opens a polling session in the root namespace and returns its URL.
func join(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	url += "socket.io/?EIO=4&transport=polling"
	_, _, text := ask(t, client, http.MethodGet, url, "")
	var hello struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &hello); err != nil {
		t.Fatalf("handshake %q: %v", text, err)
	}
	url += "&sid=" + hello.SID
	ask(t, client, http.MethodPost, url, "40")
	var all string
	for !strings.Contains(all, "welcome") {
		status, _, text := ask(t, client, http.MethodGet, url, "")
		if status != http.StatusOK {
			t.Fatalf("poll: %d %s", status, text)
		}
		all += text
	}
	if want := `42["welcome","web Socket Works"`; !strings.Contains(all, want) {
		t.Errorf("%q, want %q in it", all, want)
	}
	return url
}

func local() Config {
	config := DefaultConfig()
	config.Host = "127.0.0.1"
	return config
}

// A client is closed below Socket.IO, so that it comes back, and its handlers
// learn why.
func TestStopTellsBothSides(t *testing.T) {
	s, url, stop := running(t, local())
	reasons := make(chan socketio.DisconnectReason, 1)
	s.IO().OnDisconnect(func(_ context.Context, _ *socketio.Socket, reason socketio.DisconnectReason) { reasons <- reason })
	client := newClient(t)
	session := join(t, client, url)

	polled := make(chan string, 1)
	go func() {
		res, err := client.Get(session)
		if err != nil {
			polled <- err.Error()
			return
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			polled <- err.Error()
			return
		}
		polled <- string(text)
	}()
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if reason := <-reasons; reason != socketio.ServerShuttingDown {
		t.Errorf("handlers saw %q", reason)
	}
	// "1" is Engine.IO's close. If the poll had not arrived yet, there is
	// nobody left to answer it.
	if got := <-polled; got != "1" && !strings.Contains(got, "connect") && !strings.Contains(got, "EOF") {
		t.Errorf("the open poll was answered %q", got)
	}
}

func TestWhoMayConnect(t *testing.T) {
	config := local()
	config.Origins = []string{"https://friend.example"}
	_, url, stop := running(t, config)
	client := newClient(t)
	hello := url + "socket.io/?EIO=4&transport=polling"
	for origin, want := range map[string]int{"": 200, strings.TrimSuffix(url, "/"): 200, "https://friend.example": 200, "https://foe.example": 403, "null": 403} {
		var header []string
		if origin != "" {
			header = []string{"Origin", origin}
		}
		status, got, text := ask(t, client, http.MethodGet, hello, "", header...)
		if status != want {
			t.Errorf("origin %q: %d %s", origin, status, text)
		}
		allowed := got.Get("Access-Control-Allow-Origin")
		if origin == "https://friend.example" && (allowed != origin || got.Get("Access-Control-Allow-Credentials") != "true") {
			t.Errorf("friend's headers: %v", got)
		}
		if want == 403 && (allowed != origin || got.Get("Access-Control-Allow-Credentials") != "" || strings.Contains(text, "sid")) {
			t.Errorf("origin %q reads more than why it is refused: %v %s", origin, got, text)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}
