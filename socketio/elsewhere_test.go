package socketio_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// A client that asks outside Path is told of it, and so is the log, with one
// line. Anybody else gets a plain 404.
func TestClientsOutsidePath(t *testing.T) {
	var log bytes.Buffer
	srv := socketio.New(&socketio.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	defer srv.Close()
	for _, c := range []struct {
		target string
		header []string
		told   bool
	}{
		{"/api/socket.io/?EIO=4&transport=polling", nil, true},
		{"/ws/?EIO=4&transport=websocket", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, true},
		{"/ws/", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, true},
		{"/socketio/?EIO=3&transport=polling", nil, true},
		{"/socket.iO/?transport=polling&sid=x", nil, true},
		{"/socketio/?transport=polling&b64=1", nil, true}, // as Swift's clients up to 15
		{"/socketio/?transport=websocket", nil, true},
		{"/api/socket.io/socket.io.js", nil, true},
		{"/sokcet.io/socket.io.min.js", nil, true},
		{"/favicon.ico", nil, false},
		{"/socket.io.js/x", nil, false},
		{"/socketio/?transport=bus", nil, false},
	} {
		for range 20 {
			r := httptest.NewRequest(http.MethodGet, c.target, nil)
			r.Header.Set("Origin", "http://page.example")
			for i := 0; i < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, r)
			told := strings.Contains(w.Body.String(), "Path") && strings.Contains(w.Body.String(), `"/socket.io/"`) && w.Header().Get("Access-Control-Allow-Origin") == "http://page.example"
			if w.Code != 404 || told != c.told || strings.Contains(w.Body.String(), "EIO") {
				t.Errorf("%s: %d %s %v", c.target, w.Code, w.Body, w.Header())
			}
		}
	}
	if s := log.String(); strings.Count(s, "WARN") != 1 || !strings.Contains(s, "/api/socket.io/") || !strings.Contains(s, "Path") {
		t.Errorf("log: %s", s)
	}
}
