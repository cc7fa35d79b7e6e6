package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// A family is one metric of what is counted in an S, with a value for each value
// of its label, if it has one.
type family[S any] struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	values func(st *S, tell func(v float64, label ...string))
}

type number interface{ ~int | ~uint64 }

func single[S any, N number](kind prometheus.ValueType, name, help string, get func(st *S) N) family[S] {
	return family[S]{prometheus.NewDesc(name, help, nil, nil), kind, func(st *S, tell func(float64, ...string)) { tell(float64(get(st))) }}
}

func total[S any](name, help string, get func(st *S) uint64) family[S] {
	return single(prometheus.CounterValue, name, help, get)
}

func now[S any](name, help string, get func(st *S) int) family[S] {
	return single(prometheus.GaugeValue, name, help, get)
}

// by is a counter with a value for each key.
func by[S any, K comparable](name, help, label string, get func(st *S) map[K]uint64) family[S] {
	return family[S]{prometheus.NewDesc(name, help, []string{label}, nil), prometheus.CounterValue, func(st *S, tell func(float64, ...string)) {
		for key, n := range get(st) {
			tell(float64(n), fmt.Sprint(key))
		}
	}}
}

// families are all metrics of an S.
type families[S any] []family[S]

func (fs families[S]) describe(ch chan<- *prometheus.Desc) {
	for i := range fs {
		ch <- fs[i].desc
	}
}

func (fs families[S]) collect(st S, ch chan<- prometheus.Metric) {
	for i := range fs {
		f := &fs[i]
		f.values(&st, func(v float64, label ...string) {
			ch <- prometheus.MustNewConstMetric(f.desc, f.kind, v, label...)
		})
	}
}
