package main

import "strings"

type dict = map[string]any

// schemas writes Types as JSON Schema 2020-12. What clients send is validated by
// the rules of its binding tags, what the server sends is not: so a type with
// rules has two schemas.
type schemas struct {
	defs  map[string]*Def
	ruled map[string]bool // types with rules in them
}

func newSchemas(d *Description) *schemas {
	s := &schemas{defs: map[string]*Def{}, ruled: map[string]bool{}}
	for _, def := range d.Defs {
		s.defs[def.Name] = def
	}
	for changed := true; changed; {
		changed = false
		for _, def := range d.Defs {
			if !s.ruled[def.Name] && s.hasRules(def.Type) {
				s.ruled[def.Name] = true
				changed = true
			}
		}
	}
	return s
}

func (s *schemas) hasRules(t *Type) bool {
	if t.Kind == Ref {
		return s.ruled[t.Name]
	}
	if t.Elem != nil && s.hasRules(t.Elem) {
		return true
	}
	for _, f := range t.Fields {
		if f.Rules != "" || s.hasRules(f.Type) {
			return true
		}
	}
	return false
}

// name is that of a type's schema for one direction.
func (s *schemas) name(def string, heard bool) string {
	if heard && s.ruled[def] {
		return def + ".heard"
	}
	return def
}

// components are the schemas of all types with a name.
func (s *schemas) components() dict {
	all := dict{"Failure": format(dict{
		"type": "object", "required": []string{"error"}, "description": "What a call is answered with instead, when it fails.",
		"properties": dict{"error": dict{
			"type": "object", "required": []string{"code", "message"},
			"properties": dict{"code": dict{"type": "string"}, "message": dict{"type": "string"}, "data": dict{}},
		}},
	})}
	for _, def := range s.defs {
		for _, heard := range []bool{false, true} {
			schema := s.schema(def.Type, heard)
			if def.Doc != "" {
				schema["description"] = def.Doc
			}
			all[s.name(def.Name, heard)] = format(schema)
		}
	}
	return all
}

// dialect is the form of all schemas in a document.
const dialect = "application/schema+json;version=draft-2020-12"

func format(schema dict) dict { return dict{"schemaFormat": dialect, "schema": schema} }

func (s *schemas) schema(t *Type, heard bool) dict {
	out := s.bare(t, heard)
	if !t.Nullable || len(out) == 0 {
		return out
	}
	if name, ok := out["type"].(string); ok && out["enum"] == nil {
		out["type"] = []string{name, "null"}
		return out
	}
	return dict{"anyOf": []any{out, dict{"type": "null"}}}
}

func (s *schemas) bare(t *Type, heard bool) dict {
	switch t.Kind {
	case Bool:
		return dict{"type": "boolean"}
	case String:
		return dict{"type": "string"}
	case Int:
		if t.Unsigned {
			return dict{"type": "integer", "minimum": 0}
		}
		return dict{"type": "integer"}
	case Number:
		return dict{"type": "number"}
	case Time:
		return dict{"type": "string", "format": "date-time"}
	case Binary:
		return dict{"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
	case Quoted:
		return dict{"type": "string"}
	case List:
		out := dict{"type": "array", "items": s.schema(t.Elem, heard)}
		if t.Len >= 0 {
			out["minItems"], out["maxItems"] = t.Len, t.Len
		}
		return out
	case Map:
		return dict{"type": "object", "additionalProperties": s.schema(t.Elem, heard)}
	case Object:
		return s.object(t.Fields, heard)
	case Ref:
		return dict{"$ref": "#/components/schemas/" + s.name(t.Name, heard) + "/schema"}
	case Enum:
		return dict{"enum": t.Values}
	}
	return dict{}
}

func (s *schemas) object(fields []Field, heard bool) dict {
	properties, required := dict{}, []string{}
	for _, f := range fields {
		schema := s.schema(f.Type, heard)
		if heard {
			schema = s.ruledBy(f.Rules, f.Type, schema)
		}
		if f.Doc != "" {
			schema["description"] = f.Doc
		}
		properties[f.Name] = schema
		// A server takes what lacks a field, unless a rule forbids it.
		if needed := !f.Optional; needed && (!heard || f.Rules == "" || strings.Contains(","+f.Rules+",", ",required,") || !strings.HasPrefix(f.Rules, "omitempty")) {
			required = append(required, f.Name)
		}
	}
	out := dict{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// kind follows names to what a type is made of.
func (s *schemas) kind(t *Type) *Type {
	for range 20 {
		if t.Kind != Ref || s.defs[t.Name] == nil {
			break
		}
		t = s.defs[t.Name].Type
	}
	return t
}

// arguments is the schema of what comes with a message: of its one argument, or
// of all as an array; nil if there are none.
func (s *schemas) arguments(args []Arg, one, whatever, heard bool) dict {
	switch {
	case whatever:
		return dict{"type": "array", "description": "whatever arguments"}
	case one && len(args) == 1:
		return s.schema(args[0].Type, heard)
	}
	items := []any{}
	for _, a := range args {
		schema := s.schema(a.Type, heard)
		if heard {
			schema = s.ruledBy(a.Rules, a.Type, schema)
		}
		schema["title"] = a.Name
		items = append(items, schema)
	}
	out := dict{"type": "array", "minItems": len(items), "maxItems": len(items)}
	if len(items) > 0 {
		out["prefixItems"] = items
	}
	return out
}
