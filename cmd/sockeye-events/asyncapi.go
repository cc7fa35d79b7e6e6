package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// asyncAPI prints a description as an AsyncAPI 3.0 document: a channel for each
// namespace, and operations as the server sees them: it receives what it hears
// and sends what it says.
func asyncAPI(d *Description) []byte {
	s := newSchemas(d)
	channels, operations := dict{}, dict{}
	for _, ns := range d.Namespaces {
		id := channelID(ns.Name)
		messages := dict{}
		for _, m := range ns.Heard {
			s.operation(id, "receive", m, messages, operations)
		}
		for _, m := range ns.Said {
			s.operation(id, "send", m, messages, operations)
		}
		channels[id] = dict{
			"address": ns.Name, "messages": messages,
			"description": "The Socket.IO namespace " + ns.Name + ".",
		}
	}
	doc := dict{
		"asyncapi": "3.0.0",
		"info": dict{
			"title": d.Title, "version": d.Version,
			"description": "Events of a Socket.IO server. A channel is a namespace; a message's name is the event's. Where x-arguments is \"one\" the payload is the event's one argument, else the list of its arguments. A reply is the acknowledgement.",
		},
		"defaultContentType": "application/json",
		"channels":           channels,
		"operations":         operations,
		"components":         dict{"schemas": s.components()},
	}
	if u, err := url.Parse(d.URL); err == nil && u.Host != "" {
		doc["servers"] = dict{"main": dict{"host": u.Host, "pathname": u.Path, "protocol": strings.Replace(u.Scheme, "http", "ws", 1)}}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		panic("what was built here cannot be encoded: " + err.Error())
	}
	return b.Bytes()
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// channelID is a namespace's name as an identifier.
func channelID(ns string) string {
	if id := strings.Trim(unfit.ReplaceAllString(ns, "-"), "-"); id != "" {
		return id
	}
	return "main"
}

func (s *schemas) operation(channel, action string, m *Message, messages, operations dict) {
	heard := action == "receive"
	base := action + "." + strings.Trim(unfit.ReplaceAllString(m.Name, "-"), "-")
	id := base
	for n := 2; messages[id] != nil; n++ { // names that differ only in what an identifier cannot have
		id = base + strings.Repeat("_", n-1)
	}
	message := dict{"name": m.Name, "payload": format(s.arguments(m.Args, m.One, m.Any, heard)), "x-arguments": form(m.Args, m.One, m.Any)}
	if m.Doc != "" {
		message["description"] = m.Doc
	}
	if m.Const != "" {
		message["x-go"] = m.Const
	}
	messages[id] = message
	at := "#/channels/" + channel
	op := dict{
		"action": action, "channel": dict{"$ref": at},
		"messages": []any{dict{"$ref": at + "/messages/" + id}},
	}
	if m.Doc != "" {
		op["description"] = m.Doc
	}
	if m.Ack != nil {
		reply := id + ".ack"
		messages[reply] = dict{"name": m.Name + " (acknowledgement)", "payload": format(s.answer(m.Ack, !heard)), "x-arguments": m.Ack.form()}
		op["reply"] = dict{"channel": dict{"$ref": at}, "messages": []any{dict{"$ref": at + "/messages/" + reply}}}
	}
	operations[channel+"."+id] = op
}

// form says how a payload's schema stands for arguments.
func form(args []Arg, one, whatever bool) string {
	switch {
	case whatever:
		return "any"
	case one && len(args) == 1:
		return "one"
	}
	return "list"
}

func (a *Answer) form() string { return form(a.Args, a.Fails && len(a.Args) == 1, a.Any) }

// answer is the schema of an acknowledgement; heard: the client gives it.
func (s *schemas) answer(a *Answer, heard bool) dict {
	schema := s.arguments(a.Args, a.Fails, a.Any, heard)
	if !a.Fails {
		return schema
	}
	failure := dict{"$ref": "#/components/schemas/Failure/schema"}
	if len(a.Args) == 0 { // nothing, or the failure
		return dict{"type": "array", "maxItems": 1, "items": failure}
	}
	return dict{"anyOf": []any{failure, schema}}
}
