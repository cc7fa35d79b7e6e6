package content

import (
	"strings"
	"testing"
)

func TestAccepts(t *testing.T) {
	for value, want := range map[string]bool{
		"gzip": true, "GZIP": true, "x-gzip": true, "br, gzip": true, "gzip;q=1.0": true, "gzip; q=0.001": true, "*": true, "br;q=1, *;q=0.1": true,
		"gzip;Q=1": true, "gzip ; x=y": true, ",,gzip,": true,
		"": false, "br": false, "identity": false, "gzip;q=0": false, "gzip;q=0.0, *": false, "*;q=0": false, "gzip;q=x": false, "gzip;q=2": false, "gzip;q=NaN": false, "gzip, gzip;q=0": false,
		"x-": false, "gzipx": false, "xgzip": false, "*;q=0, br": false,
	} {
		if got := Accepts(value, "gzip"); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
		other := strings.NewReplacer("gzip", "deflate", "GZIP", "DEFLATE").Replace(value)
		if got := Accepts(other, "deflate"); got != want {
			t.Errorf("%q: %v, want %v", other, got, want)
		}
	}
}

func TestTag(t *testing.T) {
	if a, b := Tag([]byte("a")), Tag([]byte("b")); a == b || len(a) != 16 || strings.Contains(a, `"`) {
		t.Error(a, b)
	}
}
