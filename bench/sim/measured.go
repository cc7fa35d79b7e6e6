package main

import (
	_ "embed" // the measurements
	"encoding/json"
	"fmt"
)

// measured.json is written by go run ./cluster -json: medians of interleaved
// rounds on one machine, which did other things too. Only what the simulator
// makes of some of them, to be compared with the others, counts.
//
//go:embed measured.json
var measuredJSON []byte

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

func measured() (list []median, err error) {
	err = json.Unmarshal(measuredJSON, &list)
	return list, err
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
	c.Together = (at["fan"].Cost - (say+c.Receive)/many) / c.Deliver
	c.BrokerIn = at["path1"].Broker * few
	c.BrokerOut = max(0, (at["path"].Broker-at["path1"].Broker)*few)
	return c, nil
}
