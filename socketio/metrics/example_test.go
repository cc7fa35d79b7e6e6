package metrics_test

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/metrics"
)

func Example() {
	io := socketio.New(nil)
	defer io.Close()
	// docs:register
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.New(io, nil))
	// docs:end
	families, err := registry.Gather()
	fmt.Println(len(families) > 30, err)
	// Output: true <nil>
}
