package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// ruledBy adds a binding tag's rules to the schema of a value of type t. Those
// that JSON Schema cannot say stay readable in "x-binding".
func (s *schemas) ruledBy(rules string, t *Type, schema dict) dict {
	if rules == "" || rules == "-" {
		return schema
	}
	own, items, dives := strings.Cut(rules, ",dive")
	if rest, ok := strings.CutPrefix(rules, "dive"); ok {
		own, items, dives = "", rest, true
	}
	kind := s.kind(t)
	constraints := dict{}
	optional := false
	for rule := range strings.SplitSeq(own, ",") {
		name, value, _ := strings.Cut(rule, "=")
		switch name {
		case "omitempty", "omitzero":
			optional = true
		case "required":
			required(kind, constraints)
		default:
			maps.Copy(constraints, constraint(name, value, kind))
		}
	}
	if dives && (kind.Kind == List || kind.Kind == Map) && kind.Elem != nil {
		elem := s.ruledBy(strings.TrimPrefix(items, ","), kind.Elem, s.schema(kind.Elem, true))
		word := "items"
		if kind.Kind == Map {
			word = "additionalProperties"
		}
		constraints[word] = elem
	}
	out := dict{"x-binding": rules}
	switch {
	case len(constraints) == 0:
		maps.Copy(out, schema)
	case optional:
		maps.Copy(out, schema)
		out["anyOf"] = []any{zero(kind), constraints}
		if schema["$ref"] != nil || schema["anyOf"] != nil {
			delete(out, "$ref")
			out["allOf"] = []any{schema}
		}
	default:
		if never := constraints["x-never-null"]; never != nil {
			delete(constraints, "x-never-null")
			own := *t
			own.Nullable = false
			schema = s.schema(&own, true)
		}
		maps.Copy(out, schema)
		for word, v := range constraints {
			if word == "not" && out["not"] != nil || word == "anyOf" && out["anyOf"] != nil {
				out["allOf"] = []any{dict{word: v}}
				continue
			}
			out[word] = v
		}
	}
	return out
}

// zero accepts what "omitempty" lets pass whatever the other rules say.
func zero(t *Type) dict {
	switch t.Kind {
	case String, Time, Quoted, Enum:
		return dict{"enum": []any{"", nil}}
	case Int, Number:
		return dict{"enum": []any{0, nil}}
	case Bool:
		return dict{"enum": []any{false, nil}}
	}
	return dict{"type": "null"}
}

// required is what that rule asks: anything but Go's zero value.
func required(t *Type, out dict) {
	out["x-never-null"] = true
	if t.Nullable && t.Kind != List && t.Kind != Map {
		return // a pointer to a zero value is there
	}
	switch t.Kind {
	case String, Quoted:
		out["minLength"] = 1
	case Int, Number:
		out["not"] = dict{"const": 0}
	case Bool:
		out["const"] = true
	}
}

// constraint is what one rule says of a value.
func constraint(name, value string, t *Type) dict {
	n, isNumber := number(value)
	sized := func(least, most any) dict {
		words := map[Kind][2]string{
			String: {"minLength", "maxLength"}, List: {"minItems", "maxItems"},
			Map: {"minProperties", "maxProperties"}, Int: {"minimum", "maximum"}, Number: {"minimum", "maximum"},
		}[t.Kind]
		out := dict{}
		if words[0] != "" && least != nil {
			out[words[0]] = least
		}
		if words[1] != "" && most != nil {
			out[words[1]] = most
		}
		return out
	}
	numeric := t.Kind == Int || t.Kind == Number
	switch name {
	case "min", "gte":
		if isNumber {
			return sized(n, nil)
		}
	case "max", "lte":
		if isNumber {
			return sized(nil, n)
		}
	case "len":
		if isNumber {
			return sized(n, n)
		}
	case "gt", "lt":
		i, err := strconv.Atoi(value)
		switch {
		case numeric && isNumber:
			return dict{map[string]string{"gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}[name]: n}
		case err != nil:
		case name == "gt":
			return sized(i+1, nil)
		default:
			return sized(nil, i-1)
		}
	case "eq":
		return dict{"const": literal(value, t)}
	case "ne":
		return dict{"not": dict{"const": literal(value, t)}}
	case "oneof":
		values := []any{}
		for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(value, -1) {
			values = append(values, literal(cmp.Or(m[1], m[2]), t))
		}
		return dict{"enum": values}
	case "unique":
		if t.Kind == List {
			return dict{"uniqueItems": true}
		}
	case "email", "hostname", "ipv4", "ipv6", "uuid":
		return dict{"format": name}
	case "uri", "url":
		return dict{"format": "uri"}
	case "startswith":
		return dict{"pattern": "^" + regexp.QuoteMeta(value)}
	case "endswith":
		return dict{"pattern": regexp.QuoteMeta(value) + "$"}
	case "contains":
		return dict{"pattern": regexp.QuoteMeta(value)}
	case "alpha":
		return dict{"pattern": "^[a-zA-Z]+$"}
	case "alphanum":
		return dict{"pattern": "^[a-zA-Z0-9]+$"}
	case "numeric":
		return dict{"pattern": `^[-+]?[0-9]+(?:\.[0-9]+)?$`}
	case "hexadecimal":
		return dict{"pattern": "^(0[xX])?[0-9a-fA-F]+$"}
	case "lowercase":
		return dict{"pattern": `^[^\p{Lu}]*$`}
	case "uppercase":
		return dict{"pattern": `^[^\p{Ll}]*$`}
	}
	return nil
}

func number(text string) (json.Number, bool) {
	_, err := strconv.ParseFloat(text, 64)
	return json.Number(text), err == nil && json.Valid([]byte(text))
}

func literal(text string, t *Type) any {
	if n, ok := number(text); ok && (t.Kind == Int || t.Kind == Number || t.Kind == Enum && len(t.Values) > 0 && isInt(t.Values[0])) {
		return n
	}
	if t.Kind == Bool {
		return text == "true"
	}
	return text
}

func isInt(v any) bool { _, ok := v.(int64); return ok }
