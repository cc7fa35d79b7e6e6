package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"mesh://a:1":               "[a:1]",
		"mesh://a:1,b:2/":          "[a:1 b:2]",
		"mesh://[::1]:7,1.2.3.4:5": "[[::1]:7 1.2.3.4:5]",
	} {
		if o, err := ParseURL(text); err != nil || fmt.Sprint(o.Nodes) != want || o.TLS != nil {
			t.Errorf("%s: %+v, %v", text, o, err)
		}
	}
	for text, says := range map[string]string{
		"":                                  "write mesh://",
		"nats://a:1":                        "does not begin with mesh://",
		"mesh://":                           "no node",
		"mesh://a":                          "node 1 is no HOST:PORT",
		"mesh://a:1,":                       "node 2 is no HOST:PORT",
		"mesh://a:0":                        "node 1 is no HOST:PORT",
		"mesh://:1":                         "node 1 is no HOST:PORT",
		"mesh://a:1/x":                      "node 1 is no HOST:PORT",
		"mesh://SECRET@a:1":                 "--cluster-secret-file",
		"mesh://a:1?secret=SECRET":          `unknown parameter "secret"`,
		"mesh://a:1?ca=x":                   "write ca=FILE&cert=FILE&key=FILE",
		"mesh://a:1?ca=":                    "write ca=FILE",
		"mesh://a:1?ca=x&ca=y":              "write it once",
		"mesh://a:1?%zz":                    "not written as a URL's",
		"mesh://a:1?ca=x&cert=x&key=x":      "no such file",
		"mesh://a:1?ca=log.go&cert=x&key=x": "no certificate in PEM",
	} {
		_, err := ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

// Beyond the loopback interface there must be a secret.
func TestOptions(t *testing.T) {
	local := []string{"127.0.0.1:1", "localhost:2", "[::1]:3"}
	for says, o := range map[string]Options{
		"no node":                    {Listen: "127.0.0.1:1"},
		"write --cluster-listen":     {Nodes: local},
		"is none: write --cluster-l": {Nodes: local, Listen: "127.0.0.1"},
		"to be found at is none":     {Nodes: local, Listen: local[0], Advertise: "x"},
		"node 2 is no HOST:PORT":     {Nodes: []string{"a:1", "b"}, Listen: local[0]},
		"10.0.0.1:2 is not on":       {Nodes: []string{local[0], "10.0.0.1:2"}, Listen: local[0]},
		":7 is not on":               {Nodes: local, Listen: ":7"},
		"0.0.0.0:7 is not on":        {Nodes: local, Listen: "0.0.0.0:7"},
		"node.example:7 is not on":   {Nodes: local, Listen: "node.example:7"},
		"write at most":              {Nodes: local, Listen: local[0], MaxMessage: 64 << 20},
		"write at most 67043328":     {Nodes: local, Listen: local[0], MaxMessage: -1},
	} {
		_, err := New(o)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		if strings.Contains(says, "not on") && !strings.Contains(err.Error(), "--cluster-secret-file FILE") {
			t.Errorf("%v does not say what to write", err)
		}
	}
	for _, o := range []Options{
		{Nodes: local, Listen: local[0]},
		{Nodes: []string{"10.0.0.1:2"}, Listen: ":7", Secret: []byte("x")},
	} {
		if _, err := New(o); err != nil {
			t.Error(err)
		}
	}
}

func TestReadSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if _, err := ReadSecret(file); err == nil {
		t.Error("there is no file")
	}
	for text, want := range map[string]string{" a b\n": "a b", "\n": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadSecret(file); string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
