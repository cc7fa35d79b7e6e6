package byurl

import (
	"strings"
	"testing"
)

// Each scheme makes its backend, and what is wrong is said in one line that says
// what to write, and without a password.
func TestNew(t *testing.T) {
	local := Options{Listen: "127.0.0.1:7000"}
	for url, want := range map[string]string{
		"redis://:SECRET@h": "redis", "rediss://h:1/2": "redis", "redis+unix:///r.sock": "redis", "redis://a,b?sentinel=m": "redis",
		"redis+streams://h?maxlen=5": "streams", "rediss+streams://h": "streams",
		"redis+sharded://h,i?subscribe=static": "sharded", "rediss+sharded://h": "sharded",
		"nats://u:SECRET@h,i:4222": "nats", "tls://h": "nats", "postgres://u:SECRET@h:1/db?sslmode=disable": "postgres", "postgresql://a,b/db": "postgres", "mesh://127.0.0.1:7000": "mesh",
	} {
		o := Options{Prefix: "p", Name: "n"}
		if want == "mesh" {
			o = local
		}
		a, err := New(url, o)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if got := a.Traits().Name; got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	for url, c := range map[string]struct {
		o    Options
		says string
	}{
		"":                               {says: "write redis://HOST:PORT, redis+streams://HOST:PORT, redis+sharded://HOST:PORT, postgres://USER@HOST:PORT/DATABASE, nats://HOST:PORT or mesh://"},
		"127.0.0.1:6379":                 {says: "no URL of a backend: write redis://"},
		"u:SECRET@h://":                  {says: "no URL of a backend"},
		"SECRET/x://h":                   {says: "no URL of a backend"},
		"redis+shards://h":               {says: "no backend redis+shards://: write redis://"},
		"redis+sharded://u:SECRET@h/1":   {says: "leave the number out"},
		"postgres://u:SECRET@/db":        {says: "no host"},
		"postgres://u@h?password=SECRET": {says: "no parameter"},
		"redis://":                       {says: "no host"},
		"redis://u:SECRET@h?pass=SECRET": {says: "no parameter"},
		"nats://h?token=SECRET":          {says: "unknown parameter"},
		"mesh://127.0.0.1:1":             {says: "--cluster-listen"},
		"mesh://10.0.0.1:1":              {o: local, says: "--cluster-secret-file"},
		"redis://h":                      {o: Options{Key: []byte("SECRET")}, says: "leave the key out, or write nats://HOST:PORT or mesh://"},
		"redis+streams://h":              {o: Options{Secret: []byte("SECRET")}, says: "leave them out, or write mesh://"},
		"nats://h":                       {o: local, says: "leave them out, or write mesh://"},
		"nats://i":                       {o: Options{Dir: "d"}, says: "leave it out, or write mesh://"},
		"nats://h?jetstream=maybe":       {says: "write jetstream=auto"},
		"mesh://127.0.0.1:2":             {o: Options{Listen: "127.0.0.1:1", Dir: "byurl.go"}, says: "is no folder"},
		"tls://h":                        {o: Options{QueueBytes: -1}, says: "16 MiB"},
	} {
		_, err := New(url, c.o)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", url, err, c.says)
		}
	}
}
