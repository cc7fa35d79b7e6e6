//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// result is the one JSON line a run prints. Fields that a scenario does not
// measure stay out of it.
type result struct {
	Label     string `json:"label,omitempty"`
	Scenario  string `json:"scenario"`
	EIO       int    `json:"eio"`
	Transport string `json:"transport,omitempty"` // when not WebSocket
	TLS       bool   `json:"tls,omitempty"`
	Nodes     int    `json:"nodes,omitempty"`
	Clients   int    `json:"clients"`
	Slow      int    `json:"slow,omitempty"` // of them do not read
	Payload   string `json:"payload,omitempty"`
	Rooms     int    `json:"rooms,omitempty"`
	Window    int    `json:"window,omitempty"`
	Rate      int    `json:"rate,omitempty"` // messages per second offered; 0: closed loop

	Seconds   float64            `json:"seconds,omitempty"`       // measured window
	ServerCPU float64            `json:"server_cpu_s"`            // in that window
	OwnCPU    float64            `json:"loadgen_cpu_s"`           // in that window
	Util      float64            `json:"server_cores,omitzero"`   // ServerCPU / Seconds
	CPUBy     map[string]float64 `json:"cpu_us_per_by,omitempty"` // CPUPer by process, when there are several

	// idle
	ConnectsPerSec float64         `json:"connects_per_s,omitzero"`
	CPUPerConnect  float64         `json:"cpu_us_per_connect,omitzero"`
	RSSBefore      int64           `json:"rss_before_kib,omitzero"`
	RSSConnected   int64           `json:"rss_connected_kib,omitzero"`
	RSSSettled     int64           `json:"rss_settled_kib,omitzero"`
	RSSPeak        int64           `json:"rss_peak_kib,omitzero"`
	BytesPerConn   int64           `json:"rss_bytes_per_conn,omitzero"`
	HoldSeconds    float64         `json:"hold_s,omitzero"`
	HoldCPU        float64         `json:"hold_server_cpu_s,omitzero"`
	Mem            json.RawMessage `json:"mem,omitempty"`
	RSSAfterMem    int64           `json:"rss_after_mem_kib,omitzero"` // Mem may have collected garbage

	// churn, after each cycle
	CycleRSS        []int64 `json:"cycle_rss_kib,omitempty"`
	CycleFDs        []int   `json:"cycle_fds,omitempty"`
	CycleGoroutines []int   `json:"cycle_goroutines,omitempty"`
	CycleGrowth     int64   `json:"rss_growth_kib_per_cycle,omitzero"` // over the second half

	// broadcast and rooms: the server around the measured window
	RSSStart     int64   `json:"rss_start_kib,omitzero"`
	RSSGrowth    int64   `json:"rss_growth_kib,omitzero"` // at the most in the window
	SlowDropped  int     `json:"slow_dropped,omitzero"`   // connections that the server closed
	SlowDroppedS float64 `json:"slow_dropped_s,omitzero"` // when the last of those went

	// echo, broadcast and rooms
	Messages   uint64         `json:"messages,omitzero"`   // sent (fan-out) or round trips (echo)
	Deliveries uint64         `json:"deliveries,omitzero"` // received copies of them
	PerSec     float64        `json:"per_s,omitzero"`      // round trips or deliveries per second
	CPUPer     float64        `json:"cpu_us_per,omitzero"` // server µs per round trip or delivery
	Latency    *latency       `json:"latency,omitempty"`
	Lost       uint64         `json:"lost,omitzero"`   // deliveries that never came
	Bad        uint64         `json:"bad,omitzero"`    // replies that were not what was asked
	Extra      map[string]any `json:"extra,omitempty"` // of scenarios that other files add
	Error      string         `json:"error,omitempty"`
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

// finish fills in what every timed scenario derives from its counts.
func (r *result) finish(g *gauge, ns int64, count uint64) {
	r.ServerCPU, r.OwnCPU = g.stop()
	r.Seconds = round(float64(ns)/1e9, 3)
	r.RSSPeak = g.peakKiB()
	if r.Seconds == 0 {
		return // a server that was busy with the warm-up all the time
	}
	r.Util = round(r.ServerCPU/r.Seconds, 2)
	if count > 0 {
		r.PerSec = round(float64(count)/r.Seconds, 0)
		r.CPUPer = round(r.ServerCPU*1e6/float64(count), 3)
		if procs := g.all(); len(procs) > 1 {
			r.CPUBy = map[string]float64{}
			for _, p := range procs {
				r.CPUBy[p.name] = round(p.used*1e6/float64(count), 3)
			}
		}
	}
}

// runIdle connects the clients, lets them settle and reports what they cost.
func runIdle(l *loop, g *gauge, cfg *config, r *result) error {
	r.RSSBefore = g.rssKiB()
	g.start()
	t0 := now()
	if err := l.connect(cfg.clients, cfg.width, cfg.connectLimit); err != nil {
		return err
	}
	took := now() - t0
	r.finish(g, took, 0)
	r.ConnectsPerSec = round(float64(cfg.clients)/(float64(took)/1e9), 0)
	r.CPUPerConnect = round(r.ServerCPU*1e6/float64(cfg.clients), 1)
	r.RSSConnected = g.rssKiB()
	if err := l.runUntil(now()+int64(cfg.settle), nil); err != nil {
		return err
	}
	r.RSSSettled = g.rssKiB()
	r.BytesPerConn = (r.RSSSettled - r.RSSBefore) * 1024 / int64(cfg.clients)
	if cfg.hold > 0 {
		server := g.cpu()
		if err := l.runUntil(now()+int64(cfg.hold), nil); err != nil {
			return err
		}
		r.HoldSeconds = cfg.hold.Seconds()
		r.HoldCPU = round(g.cpu()-server, 3)
	}
	r.RSSPeak = g.peakKiB()
	if cfg.memPath != "" {
		r.Mem = fetchJSON(cfg)
		r.RSSAfterMem = g.rssKiB()
	}
	if l.ready != cfg.clients {
		return fmt.Errorf("%d of %d clients left: %w", l.ready, cfg.clients, l.firstE)
	}
	return nil
}

// echo is the closed request/acknowledgement loop.
type echo struct {
	l     *loop
	body  *payload
	buf   []byte
	count uint64
	bad   uint64
	lat   *hist
	until int64
}

func runEcho(l *loop, g *gauge, cfg *config, r *result) error {
	body, err := newPayload(cfg.kind, cfg.size)
	if err != nil {
		return err
	}
	if err := l.connect(cfg.clients, cfg.width, cfg.connectLimit); err != nil {
		return err
	}
	r.Payload = cfg.payload()
	e := &echo{l: l, body: body, lat: new(hist)}
	l.message = e.reply
	start := now() + int64(cfg.warmup)
	e.until = start + int64(cfg.duration)
	for _, c := range l.conns {
		e.ask(c)
	}
	if err := l.runUntil(start, nil); err != nil {
		return err
	}
	e.count, e.lat = 0, new(hist)
	g.start()
	t0 := now()
	if err := l.runUntil(e.until, nil); err != nil {
		return err
	}
	r.finish(g, now()-t0, e.count)
	r.Messages, r.Bad, r.Latency = e.count, e.bad, e.lat.summary(cfg.curve)
	if l.failed > 0 {
		return l.firstE
	}
	return nil
}

func (e *echo) ask(c *conn) {
	c.seq++
	e.buf = append(e.buf[:0], "42"...)
	e.buf = strconv.AppendUint(e.buf, c.seq, 10)
	e.buf = append(e.buf, `["echo",`...)
	e.buf = append(e.buf, e.body.set(c.seq)...)
	e.buf = append(e.buf, ']')
	c.sentAt = now()
	e.l.send(c, e.buf)
}

func (e *echo) reply(c *conn, p []byte) {
	// p is 3<id>[<payload>]
	e.buf = strconv.AppendUint(append(e.buf[:0], '3'), c.seq, 10)
	seq, found := findSeq(p)
	if !bytes.HasPrefix(p, e.buf) || !found || seq != c.seq || len(p) < len(e.buf)+len(e.body.text) {
		e.bad++
		return
	}
	t := now()
	e.count++
	e.lat.add(t - c.sentAt)
	if t < e.until {
		e.ask(c)
	}
}
