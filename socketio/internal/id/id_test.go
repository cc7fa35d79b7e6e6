package id

import (
	"regexp"
	"testing"
)

func TestNew(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`)
	seen := make(map[string]bool)
	var places [20]map[byte]bool
	for range 10_000 {
		s := New()
		if !form.MatchString(s) || seen[s] {
			t.Fatalf("%q", s)
		}
		seen[s] = true
		for i := range places {
			if places[i] == nil {
				places[i] = make(map[byte]bool)
			}
			places[i][s[i]] = true
		}
	}
	for range 1000 {
		if s := Tagged("ab-_"); !form.MatchString(s) || s[16:] != "ab-_" || seen[s] {
			t.Fatalf("%q", s)
		} else {
			seen[s] = true
		}
	}
	for i, chars := range places {
		if len(chars) != 64 {
			t.Errorf("character %d is one of %d", i, len(chars))
		}
	}
}
