package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// stale says which of the files in dir are not what the source says, and which
// events they do not know as they are.
func stale(d *Description, dir string, files map[string][]byte) (complaints []string) {
	for name, want := range files {
		path := filepath.Join(dir, name)
		have, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			complaints = append(complaints, path+" is missing: run this without --check to write it")
		case err != nil:
			complaints = append(complaints, err.Error())
		case !bytes.Equal(have, want):
			complaints = append(complaints, path+" is stale: run this without --check to write it anew")
			if name == "asyncapi.json" {
				complaints = append(complaints, drift(d, path, have, want)...)
			}
		}
	}
	slices.Sort(complaints)
	return complaints
}

// document is what drift compares of one.
type document struct {
	Channels map[string]struct {
		Messages map[string]struct {
			Name    string
			Payload any
		}
	}
	Components struct{ Schemas map[string]any }
}

// drift names the places where events are heard or said with what the written
// document does not know.
func drift(d *Description, path string, have, want []byte) (complaints []string) {
	var old, now document
	if json.Unmarshal(have, &old) != nil || json.Unmarshal(want, &now) != nil {
		return []string{path + " is not a document that this tool has written"}
	}
	for _, ns := range d.Namespaces {
		id := channelID(ns.Name)
		for action, list := range map[string][]*Message{"receive": ns.Heard, "send": ns.Said} {
			for _, m := range list {
				for key, message := range now.Channels[id].Messages {
					if message.Name != m.Name || len(key) < len(action) || key[:len(action)] != action {
						continue
					}
					what := map[string]string{"receive": "heard in ", "send": "said in "}[action] + ns.Name
					known, ok := old.Channels[id].Messages[key]
					switch {
					case !ok:
						complaints = append(complaints, m.Place+": "+quote(m.Name)+" is "+what+", which "+path+" does not know")
					case !reflect.DeepEqual(known.Payload, message.Payload), !slices.Equal(old.uses(known.Payload), now.uses(message.Payload)):
						complaints = append(complaints, m.Place+": "+quote(m.Name)+" is "+what+" with a payload that "+path+" does not know")
					}
					answer, before := now.Channels[id].Messages[key+".ack"].Payload, old.Channels[id].Messages[key+".ack"].Payload
					if ok && (!reflect.DeepEqual(before, answer) || !slices.Equal(old.uses(before), now.uses(answer))) {
						complaints = append(complaints, m.Place+": "+quote(m.Name)+" is "+what+" with an acknowledgement that "+path+" does not know")
					}
				}
			}
		}
	}
	return complaints
}

func quote(s string) string { return `"` + s + `"` }

// uses lists the schemas that a payload refers to, as they are.
func (d *document) uses(payload any) (list []string) {
	seen := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if to, ok := v["$ref"].(string); ok && !seen[to] {
				seen[to] = true
				name := filepath.Base(filepath.Dir(to))
				text, _ := json.Marshal(d.Components.Schemas[name]) // came from JSON
				list = append(list, name+string(text))
				walk(d.Components.Schemas[name])
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(payload)
	slices.Sort(list)
	return list
}
