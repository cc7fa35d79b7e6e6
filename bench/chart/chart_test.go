package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// elements parses an SVG and counts its elements by name.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	n := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		if e, ok := tok.(xml.StartElement); ok {
			n[e.Name.Local]++
		}
	}
}

func TestWriteSVG(t *testing.T) {
	l := Line{Title: `cost <&">`, X: Axis{Label: "clients", Log: true}, Y: Axis{Label: "µs"}, Series: []Series{
		{Name: "a & b", Points: []Point{{X: 100, Y: 2, Low: 1.5, High: 2.5}, {X: 1000, Y: 3}, {X: 10000, Y: 4}}},
		{Name: "c", Points: []Point{{X: 100, Y: 20}, {X: 0, Y: 1}, {X: 500, Y: math.NaN()}}},
	}}
	var b strings.Builder
	if err := l.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	if n := elements(t, svg); n["svg"] != 1 || n["circle"] != 4 {
		t.Errorf("%v: want one svg and a dot for each of the 4 points that can be drawn", n)
	}
	for _, bad := range []string{"NaN", "Inf", "script"} {
		if strings.Contains(svg, bad) {
			t.Errorf("%s in %s", bad, svg)
		}
	}
	for _, want := range []string{"cost &lt;&amp;", "a &amp; b", "10,000", "µs"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestWriteSVGEmpty(t *testing.T) {
	l := Line{Y: Axis{Log: true}, Series: []Series{{Points: []Point{{X: 1, Y: 0}}}}}
	if err := l.WriteSVG(io.Discard); !errors.Is(err, ErrEmpty) {
		t.Fatalf("%v", err)
	}
}

func TestOnePoint(t *testing.T) {
	for _, log := range []bool{false, true} {
		l := Line{X: Axis{Log: log}, Y: Axis{Log: log}, Series: []Series{{Points: []Point{{X: 7, Y: 7}}}}}
		var b strings.Builder
		if err := l.WriteSVG(&b); err != nil || strings.Contains(b.String(), "NaN") {
			t.Fatalf("log %v: %v\n%s", log, err, b.String())
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		log       bool
	}{{0, 7.3, false}, {0, 0.004, false}, {0, 1e6, false}, {100, 15000, true}, {0.2, 40, true}} {
		ts := ticks(c.low, c.high, c.log)
		if len(ts) < 3 || len(ts) > 14 || ts[len(ts)-1].At < c.high {
			t.Errorf("%+v: %v", c, ts)
		}
		for i := 1; i < len(ts); i++ {
			if ts[i].At <= ts[i-1].At || ts[i].Text == ts[i-1].Text {
				t.Errorf("%+v: %v", c, ts)
			}
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 2.5: "2.5", 0.125: "0.125", 12.345: "12.3", 999: "999",
		1000: "1,000", 1234567: "1,234,567", -3: "-3"} {
		if got := Number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}
