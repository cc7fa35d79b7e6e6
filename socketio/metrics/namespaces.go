package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/internal/clip"
)

const other = "other" // what has no value of its own

var namespaceSockets = prometheus.NewDesc("sockeye_namespace_sockets", "Connected sockets, by namespace.", []string{"namespace"}, nil)

// namespaces tells of those that have most sockets, and of the others together.
// Names that look the same when they are cut are one.
func (m *Metrics) namespaces(ch chan<- prometheus.Metric) {
	type one struct {
		name string
		n    int
	}
	var list []one
	for ns := range m.io.Namespaces() {
		list = append(list, one{ns.Name(), ns.Len()})
	}
	slices.SortFunc(list, func(a, b one) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name))
	})
	sum := map[string]int{other: 0}
	for i, ns := range list {
		name := other
		if i < m.opts.MaxNamespaces {
			name = clip.Text(ns.name)
		}
		sum[name] += ns.n
	}
	for name, n := range sum {
		ch <- prometheus.MustNewConstMetric(namespaceSockets, prometheus.GaugeValue, float64(n), name)
	}
}
