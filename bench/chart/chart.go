// Package chart draws line charts as SVG: axes that are linear or logarithmic,
// ticks with labels, one line with dots per series, a legend. The output needs
// no script and no font, and reads on light and dark pages alike.
package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Line is a line chart. The zero value of everything but Series will do.
type Line struct {
	Title  string
	X, Y   Axis
	Series []Series
}

// Axis is one of the two axes.
type Axis struct {
	Label string
	// Log makes it logarithmic; values that are not positive are left out.
	Log bool
	// Ticks are where the labels stand; nil chooses them.
	Ticks []Tick
}

// Tick is a value of an axis with the text that stands there.
type Tick struct {
	At   float64
	Text string
}

// Series is one line.
type Series struct {
	Name   string
	Points []Point
}

// Point is a value with, optionally, the range it was seen in.
type Point struct{ X, Y, Low, High float64 }

const (
	width, height            = 760, 420
	left, right, top, bottom = 70, 190, 44, 52
	plotW, plotH             = width - left - right, height - top - bottom
)

// colours are told apart by people who see red and green alike, too.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5f5f5f"}

// ErrEmpty is what WriteSVG returns when there is no point to draw.
var ErrEmpty = errors.New("chart: no points")

// WriteSVG draws the chart.
func (l *Line) WriteSVG(w io.Writer) error {
	var xs, ys []float64
	for _, s := range l.Series {
		for _, p := range s.Points {
			if l.X.shows(p.X) && l.Y.shows(p.Y) {
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
	}
	if len(xs) == 0 {
		return ErrEmpty
	}
	x, y := newScale(l.X, xs, left, left+plotW), newScale(l.Y, ys, top+plotH, top)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`font-family="sans-serif" font-size="12" role="img" aria-label="%s">`+"\n", width, height, width, height, escape(l.Title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	text(&b, left, 24, "start", `font-size="15" font-weight="bold"`, l.Title)
	for _, t := range x.ticks {
		px := x.at(t.At)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#e4e4e4"/>`+"\n", px, top, top+plotH)
		text(&b, px, top+plotH+18, "middle", "", t.Text)
	}
	for _, t := range y.ticks {
		py := y.at(t.At)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#e4e4e4"/>`+"\n", left, py, left+plotW)
		text(&b, left-8, py+4, "end", "", t.Text)
	}
	fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" stroke="#444444" fill="none"/>`+"\n", left, top, top+plotH, left+plotW)
	text(&b, left+plotW/2, height-12, "middle", "", l.X.Label)
	text(&b, 0, 0, "middle", fmt.Sprintf(`transform="translate(16 %d) rotate(-90)"`, top+plotH/2), l.Y.Label)
	for i, s := range l.Series {
		l.draw(&b, s, i, x, y)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// draw adds one series and its line in the legend.
func (l *Line) draw(b *strings.Builder, s Series, i int, x, y *scale) {
	colour := colours[i%len(colours)]
	var path strings.Builder
	for _, p := range s.Points {
		if !l.X.shows(p.X) || !l.Y.shows(p.Y) {
			continue
		}
		px, py := x.at(p.X), y.at(p.Y)
		verb := 'L'
		if path.Len() == 0 {
			verb = 'M'
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", verb, px, py)
		if p.High > p.Low && l.Y.shows(p.Low) {
			fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-opacity=".45"/>`+"\n",
				px, y.within(p.Low), y.within(p.High), colour)
		}
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, colour)
	}
	fmt.Fprintf(b, `<path d="%s" stroke="%s" stroke-width="2" fill="none"/>`+"\n", path.String(), colour)
	ly := top + 10 + 20*i
	fmt.Fprintf(b, `<path d="M%d %dh18" stroke="%s" stroke-width="3"/>`+"\n", left+plotW+14, ly, colour)
	text(b, left+plotW+38, float64(ly+4), "start", "", s.Name)
}

func text(b *strings.Builder, x, y float64, anchor, more, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#222222" %s>%s</text>`+"\n", x, y, anchor, more, escape(s))
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}

// shows tells whether a value has a place on the axis.
func (a Axis) shows(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0)
}

// scale maps values to pixels.
type scale struct {
	log      bool
	low, top float64 // in the axis's own measure
	from, to float64 // pixels
	ticks    []Tick
}

func newScale(a Axis, values []float64, from, to float64) *scale {
	s := &scale{log: a.Log, from: from, to: to, ticks: a.Ticks}
	low, high := slices.Min(values), slices.Max(values)
	for _, t := range a.Ticks {
		low, high = min(low, t.At), max(high, t.At)
	}
	if !a.Log {
		low = min(low, 0)
	}
	if a.Ticks == nil {
		s.ticks = ticks(low, high, a.Log)
		high = max(high, s.ticks[len(s.ticks)-1].At)
		if a.Log {
			low = min(low, s.ticks[0].At)
		}
	}
	if high == low {
		high = low + 1
	}
	s.low, s.top = s.measure(low), s.measure(high)
	return s
}

func (s *scale) measure(v float64) float64 {
	if s.log {
		return math.Log10(v)
	}
	return v
}

func (s *scale) at(v float64) float64 {
	return s.from + (s.measure(v)-s.low)/(s.top-s.low)*(s.to-s.from)
}

// within is at, kept inside the plot.
func (s *scale) within(v float64) float64 {
	return min(max(s.at(v), min(s.from, s.to)), max(s.from, s.to))
}

// ticks chooses round values from low to beyond high.
func ticks(low, high float64, log bool) []Tick {
	var out []Tick
	if log {
		for e := math.Floor(math.Log10(low)); ; e++ {
			for _, m := range []float64{1, 2, 5} {
				v := m * math.Pow(10, e)
				if v*2.5 < low {
					continue
				}
				out = append(out, Tick{v, Number(v)})
				if v >= high {
					return out
				}
			}
		}
	}
	step := math.Pow(10, math.Floor(math.Log10(max(high-low, 1e-9)/4)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= 6 {
			step *= m
			break
		}
	}
	for v := math.Floor(low/step) * step; ; v += step {
		out = append(out, Tick{v, Number(v)})
		if v >= high {
			return out
		}
	}
}

// Number is v with three significant digits, thousands apart.
func Number(v float64) string {
	if v < 0 {
		return "-" + Number(-v)
	}
	if v < 1000 {
		digits := 0
		if v > 0 && v < 100 {
			digits = min(max(2-int(math.Floor(math.Log10(v))), 0), 6)
		}
		s := fmt.Sprintf("%.*f", digits, v)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
