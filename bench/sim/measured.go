package main

import (
	_ "embed" // the measurements
	"encoding/json"
	"fmt"
	"slices"
)

// measured.json is what go run ./cluster -json has written, twice: medians of
// interleaved rounds on one machine, which did other things too. Only what the
// simulator makes of some of them, to be compared with the others, counts.
//
//go:embed measured.json
var measuredJSON []byte

// later.json is a series of another day, after the model was made: nothing of the
// sizing comes from it. Only what the model foretells for three nodes from the
// runs of one and two is compared with it.
//
//go:embed later.json
var laterJSON []byte

// A median is one of them.
type median struct {
	Scenario string  `json:"scenario"`
	System   string  `json:"system"`
	Nodes    int     `json:"nodes"`
	Runs     int     `json:"runs"`
	Cost     float64 `json:"cpu_us_per_delivery"`
	Broker   float64 `json:"broker_us_per_delivery"`
	PerSec   float64 `json:"deliveries_per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
}

// measured is what the sizing comes from.
func measured() ([]median, error) { return read(measuredJSON) }

// read has one of each scenario and system: the mean of the series, by how many
// rounds they have.
func read(text []byte) (list []median, err error) {
	var series []median
	if err := json.Unmarshal(text, &series); err != nil {
		return nil, err
	}
	for _, m := range series {
		i := slices.IndexFunc(list, func(o median) bool { return o.Scenario == m.Scenario && o.System == m.System })
		if i < 0 {
			list = append(list, m)
			continue
		}
		o := &list[i]
		mean := func(a, b float64) float64 { return (a*float64(o.Runs) + b*float64(m.Runs)) / float64(o.Runs+m.Runs) }
		o.Cost, o.Broker = mean(o.Cost, m.Cost), mean(o.Broker, m.Broker)
		o.PerSec, o.P50, o.P99 = mean(o.PerSec, m.PerSec), mean(o.P50, m.P50), mean(o.P99, m.P99)
		o.Runs += m.Runs
	}
	return list, nil
}

// A run is a scenario of ../cluster as a Load. The rate makes no difference to
// the cost of one delivery.
var runs = map[string]Load{
	"one":   {Clients: 1000, Nodes: 1, Rate: 1},
	"fan":   {Clients: 1000, Nodes: 2, Rate: 1},
	"three": {Clients: 1000, Nodes: 3, Rate: 1},
	"path1": {Clients: 20, Nodes: 1, Rate: 1, Bursts: true},
	"path":  {Clients: 20, Nodes: 2, Rate: 1, Bursts: true},
	"path3": {Clients: 20, Nodes: 3, Rate: 1, Bursts: true},
}

// inputs are the runs that Calibrate takes its costs from: those of one node and
// of two. Those of three are predicted.
var inputs = []string{"one", "path1", "path", "fan"}

// say is Costs.Say: an echo of docs/benchmarks.md, and publishing by
// bench/notes.md. Beside twenty deliveries, or a thousand, it hardly counts.
const say = 3.5 + 1.5

// skip is Costs.Skip, by bench/notes.md.
const skip = 0.5

// Calibrate makes costs of a system's inputs.
func Calibrate(list []median, system string) (Costs, error) {
	at := map[string]median{}
	for _, m := range list {
		if m.System == system {
			at[m.Scenario] = m
		}
	}
	for _, name := range inputs {
		if at[name].Runs == 0 {
			return Costs{}, fmt.Errorf("no run %q of %s was measured", name, system)
		}
	}
	few, many := float64(runs["path"].Clients), float64(runs["one"].Clients)
	c := Costs{
		Say:     say,
		Deliver: at["one"].Cost - say/many,
		Burst:   at["path1"].Cost - say/few,
		Receive: max(0, (at["path"].Cost-at["path1"].Cost)*few),
	}
	c.Skip = min(skip, c.Receive)
	c.Together = max(1, (at["fan"].Cost-(say+c.Receive)/many)/c.Deliver) // company makes nothing cheaper
	c.BrokerIn = at["path1"].Broker * few
	c.BrokerOut = max(0, (at["path"].Broker-at["path1"].Broker)*few)
	return c, nil
}
