package namespaces

import (
	"encoding/json"
	"path"
	"reflect"
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

type described struct {
	Channels map[string]struct {
		Address  string
		Messages map[string]struct {
			Name    string
			Payload struct{ Schema map[string]any }
			Form    string `json:"x-arguments"`
		}
	}
	Operations map[string]struct {
		Action  string
		Channel struct {
			Ref string `json:"$ref"`
		}
		Messages []struct {
			Ref string `json:"$ref"`
		}
		Reply *struct {
			Messages []struct {
				Ref string `json:"$ref"`
			}
		}
	}
}

// What the description says is heard is what the running server has handlers
// for, in each namespace, with the same payloads and answers.
func TestDescriptionIsWhatRuns(t *testing.T) {
	var doc described
	if err := json.Unmarshal(AsyncAPI, &doc); err != nil {
		t.Fatal(err)
	}
	io := socketio.New(nil)
	defer io.Close()
	Mount(io)
	runs := map[string][]socketio.Registered{}
	for ns := range io.Namespaces() {
		runs[ns.Name()] = ns.Registered()
	}
	if len(runs) != len(doc.Channels) {
		t.Errorf("%d namespaces run, %d are described", len(runs), len(doc.Channels))
	}
	events := 0
	for id, channel := range doc.Channels {
		heard := map[string]string{} // event → message
		for key, m := range channel.Messages {
			if match, _ := path.Match("receive.*", key); match && !isAck(key) {
				heard[m.Name] = key
			}
		}
		for _, r := range runs[channel.Address] {
			key, ok := heard[r.Event]
			if !ok {
				t.Errorf("%s: %q runs (%s) and is not described", channel.Address, r.Event, r.Place)
				continue
			}
			delete(heard, r.Event)
			events++
			if !r.Typed {
				continue
			}
			m := channel.Messages[key]
			if want, have := shape(r.Payload), m.Payload.Schema; !fits(want, have, m.Form) {
				t.Errorf("%s: %q takes %v, and is described by %v (%s)", channel.Address, r.Event, r.Payload, have, m.Form)
			}
			if reply := doc.Operations[id+"."+key].Reply; (reply != nil) != r.Call {
				t.Errorf("%s: %q is a call: %v; an answer is described: %v", channel.Address, r.Event, r.Call, reply != nil)
			} else if r.Call && r.Answer != reflect.TypeFor[socketio.None]() {
				either, _ := channel.Messages[key+".ack"].Payload.Schema["anyOf"].([]any)
				if len(either) != 2 || !fits(shape(r.Answer), either[1].(map[string]any), "one") {
					t.Errorf("%s: %q answers %v, and that is described by %v", channel.Address, r.Event, r.Answer, either)
				}
			}
		}
		for name := range heard {
			t.Errorf("%s: %q is described and has no handler", channel.Address, name)
		}
	}
	if events < 35 {
		t.Errorf("only %d events were compared", events)
	}
}

func isAck(key string) bool { return path.Ext(key) == ".ack" }

// shape is what a type's schema must say: the name of a struct, or a JSON type;
// "" for no arguments.
func shape(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[socketio.None]():
		return ""
	case t.Kind() == reflect.Struct:
		return "#/components/schemas/" + t.Name() + "/schema"
	case t.Kind() == reflect.Slice:
		return "array"
	case t.Kind() == reflect.Map:
		return "object"
	case t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Bool:
		return "boolean"
	}
	return "integer"
}

func fits(want string, schema map[string]any, form string) bool {
	if want == "" {
		return form == "list" && schema["maxItems"] == 0.0
	}
	if form != "one" {
		return false
	}
	kinds, _ := schema["type"].([]any)
	return schema["$ref"] == want || schema["type"] == want || slices.Contains(kinds, any(want))
}
