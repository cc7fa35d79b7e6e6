package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scenarios {
		if seen[s.name] || s.on[0] != reference {
			t.Errorf("%s: twice, or the reference is not first", s.name)
		}
		seen[s.name] = true
		for _, name := range s.on {
			serverNamed(name) // panics if there is none
		}
	}
	for _, r := range rows {
		if s := scenarioNamed(r.scenario); !slices.Contains(s.on, r.server) {
			t.Errorf("%s does not run %s", r.scenario, r.server)
		}
		if r.goal > r.budget {
			t.Errorf("%s: goal above budget", r.scenario)
		}
	}
}

func TestBaseIsBeside(t *testing.T) {
	list, err := chosen(false, "^(echo64|bcast1000)$", "^(node|sockeye|base)", true)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	for i, want := range [][]string{{"node", "sockeye-string", "base-string"}, {"node", "sockeye", "base"}} {
		if !slices.Equal(list[i].on, want) {
			t.Errorf("%s on %q, want %q", list[i].name, list[i].on, want)
		}
		for _, name := range list[i].on {
			serverNamed(name) // panics if there is none
		}
	}
}

func TestJobsInterleave(t *testing.T) {
	list, err := chosen(false, "^(echo64|bcast100)$", "^(node|floor)$", false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range jobs(list, 2) {
		got = append(got, j.scenario.name+"/"+j.server.name)
	}
	want := []string{"echo64/node", "echo64/floor", "bcast100/node", "bcast100/floor"}
	if !slices.Equal(got, append(want, want...)) {
		t.Errorf("%q", got)
	}
	if _, err := chosen(false, "nothing at all", "", false); err == nil {
		t.Error("an empty choice is accepted")
	}
}

// sample is a run of two rounds in which everything costs twice as much in the
// second.
func sample(t *testing.T) results {
	t.Helper()
	var out results
	for round := 1; round <= 2; round++ {
		for server, cost := range map[string]float64{"node": 10, "sockeye": 4, "floor": 3, "zishang520": 40} {
			line, err := record(&result{Case: "bcast1000", Server: server, Round: round}, []byte(
				`{"clients":1000,"latency":{"p50_us":100,"p99_us":900,"max_us":1000,"curve":[[0,50],[0.5,100],[0.99,900]]}}`))
			if err != nil {
				t.Fatal(err)
			}
			r := new(result)
			if err := json.Unmarshal(line, r); err != nil {
				t.Fatal(err)
			}
			r.CPUPer = cost * float64(round)
			out = append(out, r)
		}
	}
	return append(out, &result{Case: "bcast1000", Server: "sockeye", Round: 3, Error: "broken", CPUPer: 99})
}

func TestRatiosPairRounds(t *testing.T) {
	rs := sample(t).ratios("bcast1000", "sockeye", reference, perUnit)
	if !slices.Equal(rs, []float64{.4, .4}) {
		t.Errorf("%v: both rounds have the ratio 0.4, and a failed run has none", rs)
	}
}

func TestReport(t *testing.T) {
	p := &report{results: sample(t), length: time.Second.String(), notes: "## By hand\n"}
	charts := p.draw()
	for _, name := range []string{"cost-per-delivery", "latency-broadcast"} {
		if c := charts[name]; c == nil {
			t.Errorf("no chart %s", name)
		} else if err := c.WriteSVG(new(strings.Builder)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if charts["memory"] != nil {
		t.Error("a chart without a point")
	}
	page := p.markdown("benchmarks")
	for _, want := range []string{"**0.40 (0.40–0.40)**", "| 0.30 |", "4.00 (4.00–4.00)", "(1 of 3 runs failed)", "Rounds: 2 to 3,", "## By hand"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Error(m)
	}
	if m := median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Error(m)
	}
}
