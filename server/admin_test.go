package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/internal/gate"
)

// The inspection is there if somebody may look, and for them only.
func TestAdmin(t *testing.T) {
	hash, err := gate.Hash("secret")
	if err != nil {
		t.Fatal(err)
	}
	parse := func(args ...string) (Config, error) {
		return Parse(args, func(string) string { return "" }, io.Discard)
	}
	for _, bad := range [][]string{{"--admin", ""}, {"--admin", "ann"}, {"--admin", "ann:secret"}, {"--admin", "ann:" + hash[:30]}, {"--admin-readonly"}, {"--admin-ui", "development"}, {"--admin", "ann:" + hash, "--admin-ui", "x"}} {
		if _, err := parse(bad...); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got := fetch(program(t, DefaultConfig()), "/inspect/").Code; got != http.StatusNotFound {
		t.Errorf("without --admin: %d", got)
	}
	config, err := parse("--admin", "ann:"+hash, "--admin-readonly")
	if err != nil {
		t.Fatal(err)
	}
	s := program(t, config)
	if got := fetch(s, "/inspect/").Code; got != http.StatusUnauthorized {
		t.Errorf("without a password: %d", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/inspect/", nil)
	r.SetBasicAuth("ann", "secret")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "inspect.js") {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
	r = httptest.NewRequest(http.MethodPost, "/inspect/api/do", strings.NewReader(`{"ns":"/","act":{"what":"disconnect","to":"x"}}`))
	r.SetBasicAuth("ann", "secret")
	w = httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("who may only look: %d %s", w.Code, w.Body)
	}
}
