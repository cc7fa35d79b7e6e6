//go:build linux

package main

import (
	"math/bits"
	"time"
)

// hist is a log-linear latency histogram: 32 sub-buckets per power of two,
// so a quantile is off by at most about 3 %.
type hist struct {
	buckets [64 * 32]uint64
	n       uint64
	max     int64
}

func bucketOf(v int64) int {
	if v < 32 {
		return int(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - 6
	return (shift+1)*32 + int(v>>shift) - 32
}

// bucketFloor is the smallest value that bucketOf sends to bucket i.
func bucketFloor(i int) int64 {
	if i < 32 {
		return int64(i)
	}
	return int64(32+i%32) << (i/32 - 1)
}

func (h *hist) add(v int64) {
	h.buckets[bucketOf(v)]++
	h.n++
	h.max = max(h.max, v)
}

// quantile returns the value below which a share q of the samples lie.
func (h *hist) quantile(q float64) int64 {
	rank := uint64(q * float64(h.n))
	var seen uint64
	for i, c := range h.buckets {
		seen += c
		if c > 0 && seen > rank {
			return min(bucketFloor(i+1), h.max)
		}
	}
	return h.max
}

// latency is the JSON form of a histogram, in microseconds.
type latency struct {
	P50   float64      `json:"p50_us"`
	P90   float64      `json:"p90_us"`
	P99   float64      `json:"p99_us"`
	Max   float64      `json:"max_us"`
	Curve [][2]float64 `json:"curve,omitempty"` // with -curve: pairs of quantile and latency
}

// curveAt are the quantiles of a latency curve.
var curveAt = []float64{0, .01, .05, .1, .25, .5, .75, .9, .95, .98, .99, .995, .998, .999, .9995, .9999}

// summary reduces the histogram to what is reported.
func (h *hist) summary(curve bool) *latency {
	us := func(ns int64) float64 { return round(float64(ns)/float64(time.Microsecond), 1) }
	s := &latency{P50: us(h.quantile(.5)), P90: us(h.quantile(.9)), P99: us(h.quantile(.99)), Max: us(h.max)}
	if curve && h.n > 0 {
		for _, q := range curveAt {
			s.Curve = append(s.Curve, [2]float64{q, us(h.quantile(q))})
		}
	}
	return s
}
