package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/sockeye-io/sockeye/bench/chart"
)

// result is what the report uses of a line of the generator, and where it
// belongs.
type result struct {
	Case   string `json:"case"`
	Server string `json:"server"`
	Round  int    `json:"round"`

	Error      string  `json:"error,omitempty"`
	Clients    int     `json:"clients"`
	CPUPer     float64 `json:"cpu_us_per"`
	PerSec     float64 `json:"per_s"`
	CPUConnect float64 `json:"cpu_us_per_connect"`
	Connects   float64 `json:"connects_per_s"`
	RSSPerConn float64 `json:"rss_bytes_per_conn"`
	HoldCPU    float64 `json:"hold_server_cpu_s"`
	RSSGrowth  float64 `json:"rss_growth_kib"`
	Dropped    int     `json:"slow_dropped"`
	DroppedS   float64 `json:"slow_dropped_s"`
	Growth     float64 `json:"rss_growth_kib_per_cycle"`
	CycleFDs   []int   `json:"cycle_fds"`
	CycleGo    []int   `json:"cycle_goroutines"`
	Lost       uint64  `json:"lost"`
	Bad        uint64  `json:"bad"`
	Latency    *struct {
		P50   float64      `json:"p50_us"`
		P99   float64      `json:"p99_us"`
		Max   float64      `json:"max_us"`
		Curve [][2]float64 `json:"curve"`
	} `json:"latency"`
}

// metric is one number of a result.
type metric struct {
	name string
	of   func(*result) float64
}

var (
	perUnit    = metric{"CPU µs per message", func(r *result) float64 { return r.CPUPer }}
	perSecond  = metric{"per second", func(r *result) float64 { return r.PerSec }}
	perConnect = metric{"CPU µs per connect", func(r *result) float64 { return r.CPUConnect }}
	perConn    = metric{"RSS bytes per client", func(r *result) float64 { return r.RSSPerConn }}
	heartbeat  = metric{"CPU s in 25 s idle", func(r *result) float64 { return r.HoldCPU }}
	p50        = metric{"p50 µs", func(r *result) float64 { return lat(r, func() float64 { return r.Latency.P50 }) }}
	p99        = metric{"p99 µs", func(r *result) float64 { return lat(r, func() float64 { return r.Latency.P99 }) }}
	growthKiB  = metric{"RSS growth KiB", func(r *result) float64 { return r.RSSGrowth }}
	dropped    = metric{"slow clients dropped", func(r *result) float64 { return float64(r.Dropped) }}
	droppedS   = metric{"after s", func(r *result) float64 { return r.DroppedS }}
	perCycle   = metric{"RSS growth KiB per cycle", func(r *result) float64 { return r.Growth }}
	lost       = metric{"lost", func(r *result) float64 { return float64(r.Lost) }}
	allMetrics = []metric{perUnit, perSecond, p50, p99, perConnect, perConn, heartbeat, growthKiB, dropped, droppedS, perCycle, lost}
)

func lat(r *result, f func() float64) float64 {
	if r.Latency == nil {
		return 0
	}
	return f()
}

// results of a run. A failed one counts in no number.
type results []*result

// of selects the successful results of one server in one scenario.
func (rs results) of(scenario, server string) results {
	var out results
	for _, r := range rs {
		if r.Case == scenario && r.Server == server && r.Error == "" {
			out = append(out, r)
		}
	}
	return out
}

// rounds says how often a server was measured in a scenario, which differs if
// rounds were added to some.
func (rs results) rounds() string {
	times := map[[2]string]int{}
	for _, r := range rs {
		times[[2]string{r.Case, r.Server}]++
	}
	least, most := 0, 0
	for _, n := range times {
		if least == 0 || n < least {
			least = n
		}
		most = max(most, n)
	}
	if least == most {
		return fmt.Sprint(most)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// failures counts the failed ones.
func (rs results) failures(scenario, server string) (n int) {
	for _, r := range rs {
		if r.Case == scenario && r.Server == server && r.Error != "" {
			n++
		}
	}
	return n
}

func (rs results) values(m metric) []float64 {
	out := make([]float64, 0, len(rs))
	for _, r := range rs {
		out = append(out, m.of(r))
	}
	return out
}

// ratios pairs the two servers round by round, so that what disturbed the
// machine in a round disturbs both sides of the quotient.
func (rs results) ratios(scenario, server, reference string, m metric) []float64 {
	var out []float64
	for _, r := range rs.of(scenario, server) {
		for _, ref := range rs.of(scenario, reference) {
			if ref.Round == r.Round && m.of(ref) > 0 && m.of(r) > 0 {
				out = append(out, m.of(r)/m.of(ref))
			}
		}
	}
	return out
}

func median(vs []float64) float64 {
	if len(vs) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(vs))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// spread is the median with the range behind it, "–" for nothing.
func spread(vs []float64) string {
	switch len(vs) {
	case 0:
		return "–"
	case 1:
		return chart.Number(vs[0])
	}
	return fmt.Sprintf("%s (%s–%s)", chart.Number(median(vs)), chart.Number(slices.Min(vs)), chart.Number(slices.Max(vs)))
}

// ratio is spread with two digits after the point.
func ratio(vs []float64) string {
	switch len(vs) {
	case 0:
		return "–"
	case 1:
		return fmt.Sprintf("%.2f", vs[0])
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(vs), slices.Min(vs), slices.Max(vs))
}
