package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// Prometheus' own parser and linter take what is told, each counter is there
// before anything has happened, and labels may hold any text.
func TestMetrics(t *testing.T) {
	text := fetch(program(t, DefaultConfig()), "/metrics").Body.String()
	for _, want := range []string{"\nsockeye_sessions_opened_total 0\n", "\nsockeye_plain_ended_total{reason=\"slow\"} 0\n", "\nsockeye_cluster_published_total 0\n", "\nsockeye_cluster_connected 0\n",
		"\nsockeye_cluster_missed_total{from=\"gone\"} 0\n", "\ngo_goroutines ", "\nprocess_"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for label, n := range map[string]int{
		"\nsockeye_sessions_closed_total{reason=": 7, "\nsockeye_requests_refused_total{code=": 6, "\nsockeye_engine_limits_total{limit=": 9,
		"\nsockeye_messages_dropped_total{reason=": 3, "\nsockeye_plain_limits_total{limit=": 3, "\nsockeye_sockets_disconnected_total{reason=": 9,
		"\nsockeye_cluster_dropped_total{class=": 4, "\nsockeye_cluster_malformed_total{why=": len(adapter.Reasons),
		"\nsockeye_cluster_forwards_total{outcome=": len(socketio.ForwardOutcomes()),
	} {
		if got := strings.Count(text, label); got != n {
			t.Errorf("%s: %d values, want %d", label[1:], got, n)
		}
	}
}

// faulty is a client that goes away, or takes its answer only once it is let.
type faulty struct {
	*httptest.ResponseRecorder
	came, let chan struct{}
}

func (f *faulty) Write([]byte) (int, error) {
	if f.let != nil {
		f.came <- struct{}{}
		<-f.let
	}
	return 0, net.ErrClosed
}

// Clients that take the metrics slowly keep nobody from having them, and those
// that go away write nothing into the log.
func TestMetricsForBadReaders(t *testing.T) {
	var lines bytes.Buffer
	h := exposition(slog.New(slog.NewTextHandler(&lines, nil)), acceptErrors(new(atomic.Uint64)))
	ask := func(w http.ResponseWriter) { h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil)) }

	came, let := make(chan struct{}), make(chan struct{})
	var slow sync.WaitGroup
	for range 10 {
		slow.Go(func() { ask(&faulty{httptest.NewRecorder(), came, let}) })
		<-came
	}
	w := httptest.NewRecorder()
	if ask(w); w.Code != http.StatusOK || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
		t.Errorf("ten slow readers: the next one gets %d %.100s", w.Code, w.Body)
	}
	close(let)
	slow.Wait()
	for range 10 {
		ask(&faulty{ResponseRecorder: httptest.NewRecorder()})
	}
	if lines.Len() > 0 {
		t.Errorf("clients have written %s", lines.String())
	}
}

// Who asks very often is told what was gathered a moment before; nobody has to
// do with less than that.
func TestMetricsAreGatheredSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := exposition(slog.New(slog.DiscardHandler), prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "sockeye_accept_errors_total"}, func() float64 { n++; return float64(n) }))
		ask := func() *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", "gzip")
			h.ServeHTTP(w, r)
			return w
		}
		for second := 1; second <= 2; second++ {
			for i := range 1000 {
				w := ask()
				if want := second*(oftenEnough+1) - max(0, oftenEnough-i); n != want || w.Code != http.StatusOK {
					t.Fatalf("second %d, %d asked before: gathered %d times, want %d; status %d", second, i, n, want, w.Code)
				}
				if packed := w.Header().Get("Content-Encoding") == "gzip"; packed != (i < oftenEnough) || !packed && !strings.Contains(w.Body.String(), fmt.Sprintf("sockeye_accept_errors_total %d\n", n)) {
					t.Fatalf("second %d, %d asked before: %v %.100s", second, i, w.Header(), w.Body)
				}
			}
			time.Sleep(time.Second)
		}
	})
}
