// Package micro holds micro-benchmarks of the library through its public API:
//
//	go test -run '^$' -bench . -count 10 ./micro | tee new.txt; benchstat old.txt new.txt
package micro

import "strings"

// object is the load generator's payload of kind "object".
type object struct {
	Active bool `json:"active"`
	Author struct {
		ID    int      `json:"id"`
		Name  string   `json:"name"`
		Roles []string `json:"roles"`
	} `json:"author"`
	Body    string `json:"body"`
	Created int64  `json:"created"`
	ID      string `json:"id"`
	Meta    struct {
		Lang  string   `json:"lang"`
		Score float64  `json:"score"`
		Tags  []string `json:"tags"`
	} `json:"meta"`
	Room string `json:"room"`
	Seen []int  `json:"seen"`
}

var (
	text64   = `"` + strings.Repeat("the quick brown ", 4)[:62] + `"`
	object1k = func() string {
		const head = `{"active":true,"author":{"id":4211,"name":"Ada Lovelace","roles":["admin","editor"]},"body":"`
		const tail = `","created":1732100000123,"id":"#0000000001#","meta":{"lang":"en","score":12.75,"tags":` +
			`["alpha","beta","gamma","delta"]},"room":"general","seen":[1,2,3,5,8,13,21,34]}`
		return head + strings.Repeat("the quick brown fox jumps over the lazy dog ", 30)[:1024-len(head)-len(tail)] + tail
	}()
	payloads = []struct{ name, text string }{{"string64", text64}, {"object1k", object1k}}
)
