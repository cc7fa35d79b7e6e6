package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/cmd/sockeye-events/testdata/shop"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// What the library's encoder writes satisfies the schema of its type: of values
// with nothing in them, with everything, and with something.
func TestSamplesSatisfyTheirSchema(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Schema any }
		}
	}
	if err := json.Unmarshal(asyncAPI(describedShop(t)), &doc); err != nil {
		t.Fatal(err)
	}
	find := func(ref string) any {
		name := strings.Split(ref, "/")[3]
		return doc.Components.Schemas[name].Schema
	}
	io := socketio.New(nil)
	c := socketiotest.Connect(t, io)
	s, ok := io.Of("/").Socket(c.ID())
	if !ok {
		t.Fatal("the client's socket is not there")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for name, typ := range map[string]reflect.Type{
		"Thing": reflect.TypeFor[shop.Thing](), "Base": reflect.TypeFor[shop.Base](), "Order": reflect.TypeFor[shop.Order](),
		"PageOfThing": reflect.TypeFor[shop.Page[shop.Thing]](), "PageOfColour": reflect.TypeFor[shop.Page[shop.Colour]](),
		"Colour": reflect.TypeFor[shop.Colour](), "Size": reflect.TypeFor[shop.Size](), "Money": reflect.TypeFor[shop.Money](),
	} {
		for i := range 60 {
			v := reflect.New(typ).Elem()
			fill(v, r, []float64{0, 1, 0.5}[i%3], 0)
			if err := s.Emit("sample", v.Interface()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			value := decoded(t, c.Next("sample").Args.At(0))
			if err := satisfies(value, find("#/components/schemas/"+name), find); err != nil {
				t.Fatalf("%s: %v: %v", name, value, err)
			}
		}
	}
	// The judge can say no.
	for name, wrong := range map[string]string{
		"Base":   `{"id":1,"made":""}`,
		"Order":  `{}`,
		"Colour": `"green"`,
		"Size":   `7`,
	} {
		var value any
		if err := json.Unmarshal([]byte(wrong), &value); err != nil {
			t.Fatal(err)
		}
		if satisfies(value, find("#/components/schemas/"+name), find) == nil {
			t.Errorf("%s satisfies the schema of %s", wrong, name)
		}
	}
}

func describedShop(t *testing.T) *Description {
	t.Helper()
	src, err := load(".", []string{"./testdata/shop"})
	if err != nil {
		t.Fatal(err)
	}
	return describe(src)
}

// decoded is a value as a page has it, but binary as a string.
func decoded(t *testing.T, raw socketio.Raw) (value any) {
	t.Helper()
	if err := raw.Decode(&value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// fill gives v something: each part with that chance.
func fill(v reflect.Value, r *rand.Rand, chance float64, depth int) {
	switch v.Type() {
	case reflect.TypeFor[shop.Colour]():
		v.SetString(string([]shop.Colour{shop.Red, shop.Blue}[r.IntN(2)]))
		return
	case reflect.TypeFor[shop.Size]():
		v.SetInt(int64(r.IntN(2)))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMilli(r.Int64N(4e12))))
		return
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{"a":[1]}`))
		return
	}
	if v.Kind() != reflect.Struct && (depth > 4 || r.Float64() >= chance) {
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // Sure is never nil
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(strings.Repeat("é<", r.IntN(4)))
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(r.Int64N(100) - 50)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(r.Uint64N(200))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.Interface:
		v.Set(reflect.ValueOf(map[string]any{"x": 1}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), r, chance, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), r, chance, depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r, chance, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, r, 1, depth+1)
		fill(elem, r, chance, depth+1)
		v.SetMapIndex(key, elem)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), r, chance, depth+1)
			}
		}
	}
}

// satisfies holds a value against a schema, as far as the tool writes any.
func satisfies(value, schema any, find func(ref string) any) error {
	s, _ := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		if err := satisfies(value, find(ref), find); err != nil {
			return err
		}
	}
	if types, ok := s["type"]; ok && !strings.Contains(" "+strings.Trim(fmt.Sprint(types), "[]")+" ", " "+jsonType(value)+" ") &&
		!(jsonType(value) == "integer" && strings.Contains(fmt.Sprint(types), "number")) {
		return fmt.Errorf("%v is no %v", value, types)
	}
	if list, ok := s["enum"].([]any); ok && !in(list, value) {
		return fmt.Errorf("%v is none of %v", value, list)
	}
	if c, ok := s["const"]; ok && c != value {
		return fmt.Errorf("%v is not %v", value, c)
	}
	if not, ok := s["not"]; ok && satisfies(value, not, find) == nil {
		return fmt.Errorf("%v is %v", value, not)
	}
	if any, ok := s["anyOf"].([]any); ok {
		var err error
		for _, one := range any {
			if err = satisfies(value, one, find); err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	if all, ok := s["allOf"].([]any); ok {
		for _, one := range all {
			if err := satisfies(value, one, find); err != nil {
				return err
			}
		}
	}
	bound := func(word string, n int, most bool) error {
		if b, ok := s[word].(float64); ok && (most && float64(n) > b || !most && float64(n) < b) {
			return fmt.Errorf("%v: %s %v", value, word, b)
		}
		return nil
	}
	var errs []error
	switch v := value.(type) {
	case float64:
		if m, ok := s["minimum"].(float64); ok && v < m {
			return fmt.Errorf("%v is below %v", v, m)
		}
		if m, ok := s["maximum"].(float64); ok && v > m {
			return fmt.Errorf("%v is above %v", v, m)
		}
	case string:
		errs = append(errs, bound("minLength", utf8.RuneCountInString(v), false), bound("maxLength", utf8.RuneCountInString(v), true))
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			return fmt.Errorf("%q does not match %s", v, p)
		}
		if _, err := time.Parse(time.RFC3339, v); s["format"] == "date-time" && err != nil {
			return err
		}
	case []any:
		errs = append(errs, bound("minItems", len(v), false), bound("maxItems", len(v), true))
		for _, e := range v {
			errs = append(errs, satisfies(e, s["items"], find))
		}
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				return fmt.Errorf("%v lacks %v", v, name)
			}
		}
		for name, e := range v {
			if p, known := properties[name]; known {
				errs = append(errs, satisfies(e, p, find))
			} else if properties != nil {
				return fmt.Errorf("%v has %s, which the schema does not know", v, name)
			} else {
				errs = append(errs, satisfies(e, s["additionalProperties"], find))
			}
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func in(list []any, value any) bool {
	for _, one := range list {
		if one == value {
			return true
		}
	}
	return false
}

func jsonType(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// A payload that satisfies its rules satisfies the schema of what is heard, and
// one that breaks a rule does not.
func TestRulesAreConstraints(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Schema any }
		}
	}
	if err := json.Unmarshal(asyncAPI(describedShop(t)), &doc); err != nil {
		t.Fatal(err)
	}
	find := func(ref string) any { return doc.Components.Schemas[strings.Split(ref, "/")[3]].Schema }
	const good = `{"name":"a","email":"","count":1,"how":"by hand","tags":["ab"],"at":{"id":"","made":"2026-01-02T03:04:05Z"}}`
	for _, c := range []struct{ change, to string }{
		{"", ""},
		{`"name":"a"`, `"name":""`},
		{`"name":"a"`, `"name":"` + strings.Repeat("é", 41) + `"`},
		{`"count":1`, `"count":0`},
		{`"count":1`, `"count":100`},
		{`"how":"by hand"`, `"how":"by foot"`},
		{`"tags":["ab"]`, `"tags":null`},
		{`"tags":["ab"]`, `"tags":["a"]`},
		{`"tags":["ab"]`, `"tags":["ab","ab","ab","ab"]`},
		{`"at":{`, `"at":null,"was":{`},
	} {
		var value any
		if err := json.Unmarshal([]byte(strings.Replace(good, c.change, c.to, 1)), &value); err != nil {
			t.Fatal(err)
		}
		err := satisfies(value, find("#/components/schemas/Order.heard"), find)
		if (err == nil) != (c.to == "") {
			t.Errorf("with %s: %v", c.to, err)
		}
	}
}
