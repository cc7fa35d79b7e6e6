package history

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	e := Event{Kind: NodeUp, Node: "n1", At: time.Unix(5, 0).UTC()}
	line, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	events, rules, err := Read(strings.NewReader(`{"ordered":true,"local":1.5,"dead":10000}
{"kind":"deliver","at":"1970-01-01T00:00:07.5Z","id":"m1","client":"c"}
{"kind":"emit","at":"1970-01-01T00:00:07.5Z","id":"m2","rooms":["r"],"n":3}
` + string(line) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Rules{Ordered: true, Local: 1500 * time.Microsecond, Dead: 10 * time.Second}); rules != want {
		t.Errorf("rules %+v", rules)
	}
	at := time.Unix(7, 5e8).UTC()
	want := []Event{e, {Kind: Deliver, At: at, ID: "m1", Client: "c"}, {Kind: Emit, At: at, ID: "m2", Rooms: []string{"r"}, N: 3}}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("%v", events)
	}
	for text, says := range map[string]string{
		"{": "line 1", "{}\n{\"kind\":\"birth\"}": `line 2: history: there is no "birth"`, "{}\n{\"at\":7}": "line 2",
	} {
		if _, _, err := Read(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
