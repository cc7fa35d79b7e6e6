package postgres

import (
	"fmt"
	"strings"
	"testing"
)

// What is wrong with a URL is said in words that say what to write, and never with
// the password.
func TestOptions(t *testing.T) {
	for url, says := range map[string]string{
		"":                                    "write postgres://user@host:port/database",
		"mysql://u:SECRET@h/db":               "write postgres://",
		"postgres://":                         "no host",
		"postgres:///db":                      "no host",
		"postgres://u:SECRET@h:no/db":         "not understood",
		"postgres://u:SECRET@h:99999/db":      "not understood",
		"postgres://u:SEC%RET@h/db":           "write %25",
		"postgres://u:SECRET#x@h/db":          "write %23",
		"postgres://u@h/a/b":                  "%2F",
		"postgres://u@h/db?password=SECRET":   "no parameter",
		"postgres://u@h/db?sslmode=no":        "sslmode",
		"postgres://u@h/db?sslmode=":          "empty",
		"postgres://u@h/db?host=/tmp":         "twice",
		"postgres://u@/db?host=relative":      "no folder",
		"postgres://u@h/db?%":                 "no list of parameters",
		"postgres://h/db?sslmode=a&sslmode=b": "write it once",
		"postgres://u:SECRET@h/db?sslrootcert=/nowhere&sslmode=verify-full": "nowhere",
	} {
		_, err := New(Options{URL: url})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", url, err, says)
		}
	}
	for _, o := range []Options{{QueueBytes: -1}, {MaxMessage: -1}, {Prefix: strings.Repeat("x", 41)}, {Prefix: "a\x00"}} {
		o.URL = "postgres://u@h/db"
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "write") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for url, want := range map[string]string{
		"postgres://u:p%23w@h:1/db?sslmode=disable":            "u p#w h 1 db ",
		"postgresql://u:a:b@c@[::1]:2/d%2Fb?sslmode=disable":   "u a:b@c ::1 2 d/b ",
		"postgres://u@a:1,b:2/db?sslmode=disable":              "u  a 1 db b:2",
		"postgres://u@/db?host=/run/pg&application_name=other": "u  /run/pg 5432 db ",
	} {
		a, err := New(Options{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := summary(a); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

// summary is where an adapter connects, and as whom.
func summary(a *Adapter) string {
	c := a.config
	text := fmt.Sprintf("%s %s %s %d %s ", c.User, c.Password, c.Host, c.Port, c.Database)
	for _, f := range c.Fallbacks {
		text += fmt.Sprintf("%s:%d", f.Host, f.Port)
	}
	return text
}
