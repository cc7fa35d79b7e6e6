package main

import (
	"encoding/json"
	"os"
)

// A Median is what ../sim is compared with: the medians of all rounds.
type Median struct {
	Scenario string  `json:"scenario"`
	System   string  `json:"system"`
	Nodes    int     `json:"nodes"`
	Runs     int     `json:"runs"`
	Cost     float64 `json:"cpu_us_per_delivery"` // of all servers
	Broker   float64 `json:"broker_us_per_delivery"`
	PerSec   float64 `json:"deliveries_per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
}

// save writes the medians.
func (t table) save(file string, all []system) error {
	var list []Median
	for _, sc := range scenarios {
		for _, sys := range all {
			cells := t[sc.name][sys.name]
			if len(cells) == 0 {
				continue
			}
			of := func(f func(cell) float64) float64 {
				values := make([]float64, len(cells))
				for i, c := range cells {
					values[i] = f(c)
				}
				return median(values)
			}
			list = append(list, Median{
				Scenario: sc.name, System: sys.name, Nodes: sc.nodes, Runs: len(cells),
				Cost: of(func(c cell) float64 { return c.r.Per }), Broker: of(func(c cell) float64 { return c.r.By[sys.broker] }),
				PerSec: of(func(c cell) float64 { return c.r.PerSec }),
				P50:    of(func(c cell) float64 { return c.r.Latency.P50 / 1000 }), P99: of(func(c cell) float64 { return c.r.Latency.P99 / 1000 }),
			})
		}
	}
	text, err := json.MarshalIndent(list, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
