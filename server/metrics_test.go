package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// Whatever the library counts can be looked at: each counter gets a number of
// its own, which must turn up.
func TestEveryCounterIsExposed(t *testing.T) {
	var st socketio.Stats
	var plain websocket.Stats
	want := map[string]string{} // number → field
	next := uint64(1000)
	var fill func(v reflect.Value, path string)
	fill = func(v reflect.Value, path string) {
		next++
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
			return
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), path)
			return
		case reflect.Bool: // 1 or 0
			return
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
			key := reflect.New(v.Type().Key()).Elem()
			value := reflect.New(v.Type().Elem()).Elem()
			value.SetUint(next)
			v.SetMapIndex(key, value)
		case reflect.Int:
			v.SetInt(int64(next))
		case reflect.Uint64:
			v.SetUint(next)
		default:
			t.Fatalf("%s is a %s: teach this test", path, v.Kind())
		}
		want[fmt.Sprint(next)] = path
	}
	fill(reflect.ValueOf(&st).Elem(), "socketio.Stats")
	fill(reflect.ValueOf(&plain).Elem(), "websocket.Stats")
	st.Panics, st.Engine.Panics = 7000, 0 // one number for both
	st.Cluster.Missed = 8000              // of nodes that are gone, and of those that are there
	for _, n := range st.Cluster.MissedFrom {
		st.Cluster.Missed += n
	}
	w := httptest.NewRecorder()
	read := func() snapshot { return snapshot{io: st, plain: plain} }
	metrics(read, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for number, path := range want {
		switch path {
		case "socketio.Stats.Panics", "socketio.Stats.Engine.Panics":
			number = "7000"
		case "socketio.Stats.Cluster.Missed":
			number = "8000"
		case "socketio.Stats.Engine.Sessions": // the sum of those by transport
			continue
		}
		if !strings.Contains(text, " "+number+"\n") {
			t.Errorf("%s is not exposed", path)
		}
	}
}

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
	} {
		if got := strings.Count(text, label); got != n {
			t.Errorf("%s: %d values, want %d", label[1:], got, n)
		}
	}
	c := &collector{read: func() snapshot {
		st := snapshot{unaccepted: 7}
		st.io.Engine.Closed = map[engineio.Reason]uint64{"ping timeout": 2, "a \"quoted\"\nreason": 1}
		return st
	}}
	const want = `
		# HELP sockeye_sessions_closed_total Connections closed, by reason.
		# TYPE sockeye_sessions_closed_total counter
		sockeye_sessions_closed_total{reason="a \"quoted\"\nreason"} 1
		sockeye_sessions_closed_total{reason="ping timeout"} 2
		# HELP sockeye_accept_errors_total Attempts to accept a connection that failed, for want of file descriptors say.
		# TYPE sockeye_accept_errors_total counter
		sockeye_accept_errors_total 7
	`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "sockeye_sessions_closed_total", "sockeye_accept_errors_total"); err != nil {
		t.Error(err)
	}
	problems, err := testutil.CollectAndLint(c)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
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
	h := metrics(func() snapshot { return snapshot{} }, slog.New(slog.NewTextHandler(&lines, nil)))
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
		h := metrics(func() snapshot { n++; return snapshot{unaccepted: uint64(n)} }, slog.New(slog.DiscardHandler))
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
