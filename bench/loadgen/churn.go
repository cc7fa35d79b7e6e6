//go:build linux

package main

import (
	"encoding/json"
	"fmt"
)

// runChurn connects all clients and disconnects them, cycle after cycle, and
// reports what stays behind in the server. Clients of odd number leave without
// a close frame.
func runChurn(l *loop, g *gauge, cfg *config, r *result) error {
	r.RSSBefore = g.rssKiB()
	g.start()
	t0 := now()
	for cycle := range cfg.cycles {
		if err := l.connect(cfg.clients, cfg.width, cfg.connectLimit); err != nil {
			return fmt.Errorf("cycle %d: %w", cycle+1, err)
		}
		r.RSSConnected = max(r.RSSConnected, g.rssKiB())
		for i, c := range l.conns {
			l.leave(c, i%2 == 0)
		}
		if l.failed > 0 {
			return fmt.Errorf("cycle %d: %w", cycle+1, l.firstE)
		}
		l.conns = l.conns[:0]
		if err := l.runUntil(now()+int64(cfg.settle), nil); err != nil {
			return err
		}
		r.look(g, cfg)
	}
	r.finish(g, now()-t0, 0)
	r.CPUPerConnect = round(r.ServerCPU*1e6/float64(cfg.clients*cfg.cycles), 1)
	r.CycleGrowth = growth(r.CycleRSS)
	return nil
}

// look notes what the server holds after a cycle.
func (r *result) look(g *gauge, cfg *config) {
	r.CycleRSS = append(r.CycleRSS, g.rssKiB())
	r.CycleFDs = append(r.CycleFDs, g.fds())
	if cfg.memPath == "" {
		return
	}
	r.Mem = fetchJSON(cfg)
	var m struct {
		Goroutines int `json:"goroutines"`
	}
	if json.Unmarshal(r.Mem, &m) == nil && m.Goroutines > 0 {
		r.CycleGoroutines = append(r.CycleGoroutines, m.Goroutines)
	}
}

// growth is the mean step over the second half of a series.
func growth(series []int64) int64 {
	from, to := len(series)/2, len(series)-1
	if to <= from {
		return 0
	}
	return (series[to] - series[from]) / int64(to-from)
}
