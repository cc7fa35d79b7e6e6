package redis

import (
	"reflect"
	"strings"
	"testing"
)

func TestFromURL(t *testing.T) {
	for raw, want := range map[string]Options{
		"redis://host":               {Addrs: []string{"host:6379"}},
		"redis://127.0.0.1:7000/3":   {Addrs: []string{"127.0.0.1:7000"}, DB: 3},
		"redis://[::1]:7000?db=3":    {Addrs: []string{"[::1]:7000"}, DB: 3},
		"redis://[::1]":              {Addrs: []string{"[::1]:6379"}},
		"redis://:p%40%2F@host":      {Addrs: []string{"host:6379"}, Password: "p@/"},
		"redis://user:p@@host/":      {Addrs: []string{"host:6379"}, Username: "user", Password: "p@"},
		"redis://a,b:1/2?sentinel=m": {Addrs: []string{"a:26379", "b:1"}, Sentinel: "m", DB: 2},
		"redis://a?sentinel=m&sentinel_user=u&sentinel_password=w": {Addrs: []string{"a:26379"}, Sentinel: "m", SentinelUsername: "u", SentinelPassword: "w"},
		"redis+unix:///run/redis.sock?db=1":                        {Addrs: []string{"/run/redis.sock"}, DB: 1},
	} {
		made, err := FromURL(raw, Options{})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		a := made.(*Adapter)
		w, err := want.prepare(formatClassic)
		if err != nil || !reflect.DeepEqual(a.o, w) || a.Traits().Name != "redis" {
			t.Errorf("%s: %+v, want %+v, %v", raw, a.o, w, err)
		}
	}
	a := fromURL(t, "rediss+streams://u:p@host?streams=4&maxlen=50", Options{Prefix: "x"})
	if o := a.o; o.Streams != 4 || o.MaxLen != 50 || o.TLS == nil || o.Prefix != "x" || a.Traits().Name != "streams" || o.tls("host:6379").ServerName != "host" {
		t.Errorf("%+v", o)
	}
}

func TestShardedFromURL(t *testing.T) {
	for raw, want := range map[string]Options{
		"redis+sharded://host":                                {Addrs: []string{"host:6379"}},
		"redis+sharded://u:p@a,b:1,[::1]?subscribe=static":    {Addrs: []string{"a:6379", "b:1", "[::1]:6379"}, Username: "u", Password: "p", Subscribe: SubscribeStatic},
		"redis+sharded://a,b:1/?sentinel=m&subscribe=dynamic": {Addrs: []string{"a:26379", "b:1"}, Sentinel: "m", Subscribe: SubscribeDynamic},
		"redis+sharded://host?subscribe=dynamic-private":      {Addrs: []string{"host:6379"}, Subscribe: SubscribeDynamicPrivate},
	} {
		made, err := FromURL(raw, Options{})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		a := made.(*Sharded)
		w, err := want.prepare(formatSharded)
		if err != nil || !reflect.DeepEqual(a.o, w) || a.Traits().Name != "sharded" || a.Traits().Routes != (w.Subscribe != SubscribeStatic) {
			t.Errorf("%s: %+v, want %+v, %v", raw, a.o, w, err)
		}
	}
	if a, err := FromURL("rediss+sharded://host", Options{}); err != nil || a.(*Sharded).o.TLS == nil {
		t.Error("no TLS", err)
	}
}

// An error says what to write, and tells no password.
func TestBadURLs(t *testing.T) {
	const secret = "s3cr3t"
	for raw, want := range map[string]string{
		"":                                            "write redis://host:port",
		"host:6379":                                   "write redis://host:port",
		"http://u:s3cr3t@host":                        "write redis://",
		"redis://":                                    "no host",
		"redis:///1":                                  "no host",
		"redis://u:s3cr3t@":                           "no host",
		"redis+streams://?streams=2":                  "write redis+streams://host:port",
		"redis://u:s3cr3t@:6379":                      "write host:port",
		"redis://u:s3cr3t@host:0":                     "write host:port",
		"redis://u:s3cr3t@host:70000":                 "write host:port",
		"redis://u:s3cr3t@host:x":                     "write host:port",
		"redis://u:s3cr3t@a,b":                        "?sentinel=mymaster",
		"redis://u:s3cr3t@a,?sentinel=m":              "write host:port",
		"redis://u@host":                              "user:password@",
		"redis://u:%zz" + secret + "@host":            "write %25",
		"redis://u:" + secret + "#@host":              "write %23",
		"redis://u:s3cr3t@host/x":                     "redis://host:6379/2",
		"redis://u:s3cr3t@host/-1":                    "redis://host:6379/2",
		"redis://u:s3cr3t@host/1?db=2":                "not both",
		"redis://u:s3cr3t@host?db=":                   "write a number",
		"redis://u:s3cr3t@host?sentinel=":             "?sentinel=mymaster",
		"redis://host?sentinel_password=s3cr3t":       "?sentinel=mymaster",
		"redis://host?sentinel=m&sentinel_user=u":     "user:password@",
		"redis://host?password=s3cr3t":                "there is no parameter",
		"redis://host?db=1&db=1":                      "write it once",
		"redis://host?%zz" + secret:                   "name=value",
		"redis://u:s3cr3t@host?streams=2":             "redis+streams://",
		"redis://u:s3cr3t@host?maxlen=2":              "redis+streams://",
		"redis+streams://u:s3cr3t@host?streams=0":     "from 1 to 1024",
		"redis+streams://u:s3cr3t@host?streams=2000":  "from 1 to 1024",
		"redis+streams://u:s3cr3t@host?maxlen=all":    "maxlen=10000",
		"redis+sharded://u:s3cr3t@host/1":             "leave the number out",
		"redis+sharded://u:s3cr3t@host?db=0&x=1":      "there is no parameter",
		"redis+sharded://u:s3cr3t@host?subscribe=all": "dynamic, dynamic-private or static",
		"redis+sharded://u:s3cr3t@host?subscribe=":    "dynamic, dynamic-private or static",
		"redis+sharded://u:s3cr3t@host?maxlen=7":      "redis+streams://",
		"redis+sharded://u:s3cr3t@host,":              "write host:port",
		"redis+sharded://":                            "write redis+sharded://host:port",
		"redis://u:s3cr3t@host?subscribe=static":      "redis+sharded://",
		"redis+streams://u:s3cr3t@h?subscribe=static": "redis+sharded://",
		"redis+unix://host/path":                      "redis+unix:///path/to/socket",
		"redis+unix:///path?sentinel=m":               "host:port",
	} {
		_, err := FromURL(raw, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", raw, err, want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the password: %v", raw, err)
		}
	}
	for _, o := range []Options{{}, {Addrs: []string{"h"}, DB: -1}, {Addrs: []string{"h"}, QueueBytes: -1}, {Addrs: []string{"h"}, Prefix: "a\nb"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func fromURL(t *testing.T, raw string, o Options) *Adapter {
	t.Helper()
	a, err := FromURL(raw, o)
	if err != nil {
		t.Fatal(err)
	}
	return a.(*Adapter)
}
