package clip

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClip(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for s, want := range map[string][2]string{
		"":                 {"", `""`},
		"chat":             {"chat", `"chat"`},
		"a\nb\x00\x1b[31m": {"a\nb\x00\x1b[31m", `"a\nb\x00\x1b[31m"`},
		"\xff":             {"\uFFFD", `"\xff"`},
		"日":                {"日", `"\u65e5"`},
		long:               {long[:most] + "…", `"` + strings.Repeat(`\u00e9`, most/2) + `"…`},
		"x" + long:         {"x" + long[:most-2] + "\uFFFD…", `"x` + strings.Repeat(`\u00e9`, most/2-1) + `\xc3"…`},
	} {
		if got := Text(s); got != want[0] || !utf8.ValidString(got) {
			t.Errorf("Text(%q) is %q, want %q", s, got, want[0])
		}
		if got := Quoted(s); got != want[1] {
			t.Errorf("Quoted(%q) is %s, want %s", s, got, want[1])
		}
	}
}

func TestIDs(t *testing.T) {
	const id = "tOS-cwnCJi19xVMJCx_2"
	if got := ID(id); got != "tOS-cwnC…" {
		t.Error(got)
	}
	for s, want := range map[string]string{
		id: `"tOS-cwnC"…`, id + "2": `"` + id + `2"`, "lobby": `"lobby"`, "twenty bytes, a room": `"twenty bytes, a room"`, "": `""`,
	} {
		if got := Whom(s); got != want {
			t.Errorf("Whom(%q) is %s, want %s", s, got, want)
		}
	}
}
