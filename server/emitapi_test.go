package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const apiToken = "a-token-of-the-program-for-tests"

// The emit API is there only with tokens, and tells neither them nor arguments
// to the log.
func TestEmitAPI(t *testing.T) {
	if w := post(program(t, DefaultConfig()), "/api/emit", apiToken, `{"event":"x"}`); w.Code != http.StatusMethodNotAllowed { // the pages answer
		t.Errorf("without tokens: %d", w.Code)
	}
	config := DefaultConfig()
	config.APITokenFile = filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(config.APITokenFile, []byte(apiToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config.TrustedProxies = []string{"192.0.2.1"}
	var log bytes.Buffer
	s, err := New(config, site(), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{apiToken: 200, "": 401, apiToken + "2": 401} {
		w := post(s, "/api/emit", token, `{"event":"news","arguments":["the secret"]}`)
		if w.Code != want || want == 200 && w.Body.String() != `{"sockets":0,"nodes":0,"complete":true}` {
			t.Errorf("%q: %d %s", token, w.Code, w.Body)
		}
	}
	for range 20 { // behind the proxy, another client is another address
		post(s, "/api/emit", "wrong", "")
	}
	if w := post(s, "/api/emit", apiToken, `{"event":"news"}`); w.Code != http.StatusTooManyRequests {
		t.Errorf("after many guesses: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/fetch", strings.NewReader(`{}`))
	r.RemoteAddr = "192.0.2.1:1"
	r.Header = http.Header{"X-Forwarded-For": {"198.51.100.7"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer " + apiToken}}
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("another client of the proxy: %d %s", w.Code, w.Body)
	}
	if w := fetch(s, "/api/openapi.json"); w.Code != 200 || !strings.Contains(w.Body.String(), `"openapi": "3.1.0"`) {
		t.Errorf("description: %d", w.Code)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, apiToken) || strings.Contains(text, "the secret") || !strings.Contains(text, "a wrong one") {
		t.Errorf("log: %s", text)
	}
}

func TestEmitAPITokens(t *testing.T) {
	config := DefaultConfig()
	config.APITokenFile = filepath.Join(t.TempDir(), "tokens")
	for text, want := range map[string]string{"\x00": "no such file", "": "openssl rand -hex 32", "short\n": "16 or more"} {
		if text != "\x00" {
			if err := os.WriteFile(config.APITokenFile, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if err := os.RemoveAll(config.APITokenFile); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse([]string{"--api-token-file", config.APITokenFile}, func(string) string { return "" }, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := New(config, site(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--api-token-file") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// post asks as a program on another host does.
func post(h http.Handler, path, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.5:1"
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
