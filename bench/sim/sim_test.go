package main

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// What is simulated is within 25 % of what was measured on one to three nodes:
// those of one and two are its inputs, those of three are predicted.
func TestSimulationAgreesWithMeasurements(t *testing.T) {
	list, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	predicted := map[int]int{}
	for _, system := range systemsMeasured {
		c, err := Calibrate(list, system)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			l, ok := runs[m.Scenario]
			if !ok || m.System != system {
				continue
			}
			if m.Runs < 5 {
				t.Errorf("%s, %s: a median of %d runs", system, m.Scenario, m.Runs)
			}
			for seed := range uint64(5) {
				if got := Simulate(l, c, seed).PerDelivery; math.Abs(got/m.Cost-1) > 0.25 {
					t.Errorf("%s, %s, %d nodes: %.2f µs, measured %.2f", system, m.Scenario, m.Nodes, got, m.Cost)
				}
			}
			predicted[m.Nodes]++
		}
	}
	for nodes := 1; nodes <= 3; nodes++ {
		if predicted[nodes] != 2*len(systemsMeasured) {
			t.Errorf("%d runs of %d nodes were compared", predicted[nodes], nodes)
		}
	}
	if slices.ContainsFunc(inputs, func(name string) bool { return runs[name].Nodes > 2 }) {
		t.Error("an input is a prediction")
	}
}

// A series that the model has not seen: what its runs of one and two nodes foretell
// for three.
func TestSimulationForetellsAnotherDay(t *testing.T) {
	list, err := read(laterJSON)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, system := range systemsMeasured {
		c, err := Calibrate(list, system)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			if m.System != system || m.Nodes != 3 || runs[m.Scenario].Nodes != 3 {
				continue
			}
			if got := Simulate(runs[m.Scenario], c, 1).PerDelivery; math.Abs(got/m.Cost-1) > 0.25 {
				t.Errorf("%s, %s: %.2f µs, measured %.2f", system, m.Scenario, got, m.Cost)
			}
			n++
		}
	}
	if n != 2*len(systemsMeasured) {
		t.Errorf("%d runs were compared", n)
	}
}

// The same seed gives the same outcome; what can be said in closed form, the
// simulation finds.
func TestSimulation(t *testing.T) {
	c := Costs{Say: 5, Deliver: 2, Burst: 1, Receive: 3, Skip: 1, BrokerIn: 1, BrokerOut: 1, Together: 1}
	l := Load{Clients: 10_000, Nodes: 10, Room: 5, Rate: 1}
	if a, b := Simulate(l, c, 7), Simulate(l, c, 7); a != b {
		t.Errorf("%+v, then %+v", a, b)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got/want-1) > 0.02 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	all := Simulate(l, c, 1)
	with := 1 - math.Pow(0.9, 4) // another node has one of the four others
	near("deliveries", all.Deliveries, 50_000)
	near("to nodes", all.ToNodes, 90_000)
	near("needless", all.Needless, 1-with)
	near("cost", all.PerDelivery, (5+5*2+9*(with*3+(1-with)*1))/5)
	near("broker", all.Broker, 10_000*(1+9)/1e6)
	c.Routes = true
	routed := Simulate(l, c, 1)
	near("to nodes, routed", routed.ToNodes, 90_000*with)
	if routed.Needless != 0 {
		t.Error("a routed message was for nobody")
	}
	l.Placed = true
	if placed := Simulate(l, c, 1); placed.ToNodes != 0 || placed.Deliveries != 50_000 {
		t.Errorf("%+v", placed)
	}
	one := Simulate(Load{Clients: 1_000_000, Nodes: 7, Rate: 1e-6}, c, 1)
	near("one room", one.Deliveries, 1_000_000)
	near("its busiest node", one.Node, 1_000_000*2/7/1e6)
}

// The tables of the document are what the simulator prints.
func TestTablesInDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := sizingTable(1)
	if err != nil {
		t.Fatal(err)
	}
	compared, err := compare(1)
	if err != nil {
		t.Fatal(err)
	}
	later, err := foretold(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{table, compared, later} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/scaling.md has another table than go run ./sim (-table) prints:\n%s", want)
		}
	}
}
