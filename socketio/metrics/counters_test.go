package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// fixed is a server whose counters are these.
type fixed struct{ st socketio.Stats }

func (fixed) Describe(ch chan<- *prometheus.Desc)   { ofServer.describe(ch) }
func (f fixed) Collect(ch chan<- prometheus.Metric) { ofServer.collect(f.st, ch) }

// exposed is what Prometheus is told.
func exposed(t *testing.T, of ...prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(of...)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

// Whatever the library counts can be looked at: each counter gets a number of
// its own, which must turn up.
func TestEveryCounterIsExposed(t *testing.T) {
	var st socketio.Stats
	var ws websocket.Stats
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
	fill(reflect.ValueOf(&ws).Elem(), "websocket.Stats")
	st.Panics, st.Engine.Panics = 7000, 0 // one number for both
	st.Cluster.Missed = 8000              // of nodes that are gone, and of those that are there
	for _, n := range st.Cluster.MissedFrom {
		st.Cluster.Missed += n
	}
	st.Engine.Polling, st.Engine.WebSocket = st.Engine.Polling+st.Engine.PollingEIO3, st.Engine.WebSocket+st.Engine.WebSocketEIO3
	text := exposed(t, fixed{st}, plain{func() websocket.Stats { return ws }})
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

// What is missed is told by node, for so many nodes as a label may have.
func TestMissedByNode(t *testing.T) {
	c := &socketio.ClusterStats{Missed: 1000, MissedFrom: map[string]uint64{}}
	for i := range maxFrom + 2 {
		c.MissedFrom[fmt.Sprintf("%03d", i)] = uint64(maxFrom+2-i) / 10
	}
	got, sum := missed(c), uint64(0)
	for _, n := range got {
		sum += n
	}
	if len(got) != maxFrom+2 || sum != 1000 || got["000"] != 10 {
		t.Errorf("%d labels, %d in all: %v", len(got), sum, got)
	}
}
