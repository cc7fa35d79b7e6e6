package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/sockeye-io/sockeye/bench/chart"
)

// reference is the server that all ratios are taken to.
const reference = "node"

// report is what is written about a run.
type report struct {
	machine machine
	length  string
	results results
	notes   string // written by hand, put at the end
	charts  []string
}

// markdown writes the page. chartDir is where the charts are, seen from it.
func (p *report) markdown(chartDir string) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n<!-- written by `make bench`; the text of the last chapters is bench/notes.md -->\n\n")
	b.WriteString("Server CPU is user and system time of the server's process, per message, delivery or connect; memory is\n" +
		"resident memory above that of the server without clients, per client. Ratios are to Node's socket.io in the\n" +
		"same round; each figure is the median of the rounds with its range. Repeat it with `make bench`.\n\n")
	fmt.Fprintf(&b, "%s\n\nRounds: %s, of %s measured load each.\n\n", p.machine, p.results.rounds(), p.length)
	p.ratioTable(&b)
	p.rivalTable(&b)
	if len(p.charts) > 0 {
		b.WriteString("## Charts\n\n")
		for _, c := range p.charts {
			fmt.Fprintf(&b, "![%s](%s/%s.svg)\n\n", c, chartDir, c)
		}
	}
	p.details(&b)
	if p.notes != "" {
		b.WriteString(strings.TrimSpace(p.notes) + "\n")
	}
	return b.String()
}

// floors names the floor that belongs to a scenario, if it was measured.
var floors = []string{"floor", "floor-epoll", "floor-gws", "floor-rawpoll"}

// ratioTable compares Sockeye and the floor with the reference.
func (p *report) ratioTable(b *strings.Builder) {
	b.WriteString("## Sockeye and Node\n\n")
	b.WriteString("| scenario | unit | Node | Sockeye | Sockeye / Node | budget | goal | floor / Node |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		ratios := p.results.ratios(r.scenario, r.server, reference, r.metric)
		if len(ratios) == 0 {
			continue
		}
		title := r.title
		if title == "" {
			title = scenarioNamed(r.scenario).title
		}
		floor := "–"
		for _, f := range floors {
			if rs := p.results.ratios(r.scenario, f, reference, r.metric); len(rs) > 0 {
				floor = fmt.Sprintf("%.2f", median(rs))
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | **%s** | ≤ %.2f | %.2f | %s |\n", title, r.metric.name,
			spread(p.results.of(r.scenario, reference).values(r.metric)),
			spread(p.results.of(r.scenario, r.server).values(r.metric)),
			ratio(ratios), r.budget, r.goal, floor)
	}
	b.WriteString("\nThe floor answers with the same bytes over bare sockets (TLS: the library gws) and knows no Socket.IO: nothing is\n" +
		"parsed, limited or tracked.\n\n")
}

// rivalTable compares the other Go servers.
func (p *report) rivalTable(b *strings.Builder) {
	rivals := []string{"zishang520", "googollee"}
	var lines []string
	for _, r := range rows {
		cells, any := "", false
		for _, s := range rivals {
			ratios := p.results.ratios(r.scenario, s, reference, r.metric)
			any = any || len(ratios) > 0
			cells += " | " + ratio(ratios)
		}
		if !any || r.title != "" && r.scenario == "echo1k" {
			continue
		}
		title := r.title
		if title == "" {
			title = scenarioNamed(r.scenario).title
		}
		lines = append(lines, fmt.Sprintf("| %s | %s%s |\n", title,
			ratio(p.results.ratios(r.scenario, r.server, reference, r.metric)), cells))
	}
	if len(lines) == 0 {
		return
	}
	b.WriteString("## Other Go servers, as ratios to Node\n\n| scenario | Sockeye")
	for _, s := range rivals {
		b.WriteString(" | " + serverNamed(s).title)
	}
	b.WriteString(" |\n|---|---" + strings.Repeat("|---", len(rivals)) + "|\n" + strings.Join(lines, "") + "\n")
}

// details lists every measured number.
func (p *report) details(b *strings.Builder) {
	b.WriteString("## Every figure\n\n")
	for i := range scenarios {
		s := &scenarios[i]
		var used []metric
		for _, m := range allMetrics {
			for _, name := range beside(s.on) {
				if vs := p.results.of(s.name, name).values(m); len(vs) > 0 && median(vs) != 0 {
					used = append(used, m)
					break
				}
			}
		}
		if len(used) == 0 {
			continue
		}
		fmt.Fprintf(b, "### %s\n\n| server", s.title)
		for _, m := range used {
			b.WriteString(" | " + m.name)
		}
		b.WriteString(" |\n|---" + strings.Repeat("|---", len(used)) + "|\n")
		for _, name := range beside(s.on) {
			rs := p.results.of(s.name, name)
			failed := p.results.failures(s.name, name)
			if len(rs)+failed == 0 {
				continue
			}
			b.WriteString("| " + serverNamed(name).title)
			if failed > 0 {
				fmt.Fprintf(b, " (%d of %d runs failed)", failed, failed+len(rs))
			}
			for _, m := range used {
				vs := rs.values(m)
				if len(vs) > 0 && median(vs) == 0 {
					vs = nil
				}
				b.WriteString(" | " + spread(vs))
			}
			b.WriteString(" |\n")
		}
		b.WriteString("\n")
	}
}

// draw makes the charts that the results have points for.
func (p *report) draw() map[string]*chart.Line {
	ticks := func(at ...float64) []chart.Tick {
		var out []chart.Tick
		for _, v := range at {
			out = append(out, chart.Tick{At: v, Text: chart.Number(v)})
		}
		return out
	}
	out := map[string]*chart.Line{
		"cost-per-delivery": {Title: "Broadcast: server CPU per delivery",
			X:      chart.Axis{Label: "clients", Log: true, Ticks: ticks(100, 1000, 5000, 15000)},
			Y:      chart.Axis{Label: "CPU µs per delivery (log)", Log: true},
			Series: p.series([]string{"bcast100", "bcast1000", "bcast5000", "bcast15000"}, perUnit, 1)},
		"memory": {Title: "Idle clients: resident memory above the empty server",
			X:      chart.Axis{Label: "clients", Ticks: ticks(1000, 3000, 10000)},
			Y:      chart.Axis{Label: "MiB (log)", Log: true},
			Series: p.totals([]string{"idle1000", "idle3000", "idle10k"})},
		"latency-echo":      p.latencyChart("echo64", "Echo, 100 clients without pause: latency"),
		"latency-broadcast": p.latencyChart("bcast1000", "Broadcast to 1,000: latency of a delivery"),
	}
	for name, c := range out {
		c.Series = drawn(c.Series)
		if len(c.Series) == 0 {
			delete(out, name)
		}
	}
	return out
}

// drawn leaves out what has no points.
func drawn(in []chart.Series) []chart.Series {
	var out []chart.Series
	for _, s := range in {
		if len(s.Points) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// series is a metric over scenarios that differ in their number of clients,
// one line per server.
func (p *report) series(names []string, m metric, scale float64) []chart.Series {
	var out []chart.Series
	for _, srv := range servers {
		s := chart.Series{Name: srv.title}
		for _, name := range names {
			rs := p.results.of(name, srv.name)
			if len(rs) == 0 {
				continue
			}
			s.Points = append(s.Points, point(float64(rs[0].Clients), rs.values(m), scale))
		}
		out = append(out, s)
	}
	return out
}

// totals is memory of all clients together, in MiB.
func (p *report) totals(names []string) []chart.Series {
	all := metric{of: func(r *result) float64 { return r.RSSPerConn * float64(r.Clients) }}
	return p.series(names, all, 1.0/(1<<20))
}

func point(x float64, vs []float64, scale float64) chart.Point {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range vs {
		low, high = min(low, v), max(high, v)
	}
	return chart.Point{X: x, Y: median(vs) * scale, Low: low * scale, High: high * scale}
}

// latencyChart shows quantiles; the axis is stretched towards the slowest.
func (p *report) latencyChart(scenario, title string) *chart.Line {
	c := &chart.Line{Title: title, X: chart.Axis{Label: "share of messages", Log: true},
		Y: chart.Axis{Label: "ms (log)", Log: true}}
	stretch := func(q float64) float64 { return 1 / (1 - q) }
	for _, t := range []struct {
		q    float64
		text string
	}{{0, "fastest"}, {.5, "50 %"}, {.9, "90 %"}, {.99, "99 %"}, {.999, "99.9 %"}} {
		c.X.Ticks = append(c.X.Ticks, chart.Tick{At: stretch(t.q), Text: t.text})
	}
	for _, srv := range servers {
		at := map[float64][]float64{}
		var order []float64
		for _, r := range p.results.of(scenario, srv.name) {
			if r.Latency == nil {
				continue
			}
			for _, qv := range r.Latency.Curve {
				if qv[0] > .999 {
					continue
				}
				if at[qv[0]] == nil {
					order = append(order, qv[0])
				}
				at[qv[0]] = append(at[qv[0]], qv[1])
			}
		}
		s := chart.Series{Name: srv.title}
		for _, q := range order {
			s.Points = append(s.Points, chart.Point{X: stretch(q), Y: median(at[q]) / 1000})
		}
		c.Series = append(c.Series, s)
	}
	return c
}
