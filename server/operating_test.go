package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every metric that the dashboard and the alert rules name is told, and each
// that is told has a row in docs/operating.md with its type and labels.
func TestMetricsAreDocumented(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := fetch(program(t, DefaultConfig()), "/metrics").Body.String()
	types := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		types[m[1]] = m[2]
	}
	labels := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)\{([^}]*)\}`).FindAllStringSubmatch(text, -1) {
		labels[m[1]] += m[2] + ","
	}
	for _, file := range []string{"operating/grafana.json", "operating/alerts.yml", "operating.md"} {
		found := 0
		for _, name := range regexp.MustCompile(`\b(sockeye|go|process)_[a-z_]+\b`).FindAllString(read(file), -1) {
			base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if found++; types[name] == "" && (base == name || types[base] != "histogram") {
				t.Errorf("%s names %s, which is not told", file, name)
			}
		}
		if found < 15 {
			t.Errorf("%s names %d metrics only", file, found)
		}
	}
	if !json.Valid([]byte(read("operating/grafana.json"))) {
		t.Error("the dashboard is no JSON")
	}
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(sockeye_\\w+)` \\| (\\w+) \\| ([^|]*) \\| [^|]+ \\|$").FindAllStringSubmatch(read("operating.md"), -1) {
		rows[m[1]] = m[2:]
	}
	for name, typ := range types {
		row := rows[name]
		switch {
		case !strings.HasPrefix(name, "sockeye_"):
		case row == nil:
			t.Errorf("%s has no row in docs/operating.md", name)
		case row[0] != typ:
			t.Errorf("%s is a %s, not a %s", name, typ, row[0])
		default:
			for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
				if !strings.Contains(labels[name]+labels[name+"_count"], m[1]+"=") {
					t.Errorf("%s has no label %s", name, m[1])
				}
			}
			if row[1] == "" && labels[name] != "" {
				t.Errorf("%s has labels that its row does not tell: %.100s", name, labels[name])
			}
		}
	}
}
