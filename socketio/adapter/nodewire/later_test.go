package nodewire

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// What a later version says is read as far as it is known here: of kinds that are
// not, the number.
func TestLaterVersions(t *testing.T) {
	r := &Reader{Self: "self", Prefix: "p"}
	const more = `,"later":["x",{"y":null}],`
	for name, read := range map[string]func(kind int) (*adapter.Message, error){
		"classic": func(kind int) (*adapter.Message, error) {
			return r.Classic("p-request#/#", fmt.Appendf(nil, `{"uid":"x","type":%d%s"seq":7,"data":{}}`, own+kind, more))
		},
		"shared": func(kind int) (*adapter.Message, error) {
			return r.Shared("/", fmt.Appendf(nil, `{"uid":"x","nsp":"/","type":%d%s"seq":7,"data":{"wave":1}}`, kind, more))
		},
		"entry": func(kind int) (*adapter.Message, error) {
			e := &Entry{UID: "x", NSP: "/", Type: fmt.Sprint(kind), Data: `{"wave":1}`, Seq: "7"}
			e.Set("later", "x")
			return r.Entry(e)
		},
	} {
		for _, kind := range []int{14, 30, 55} {
			m, err := read(kind)
			if err != nil || m == nil || int(m.Kind) != kind || m.From != "x" || m.NS != "/" || m.Seq != 7 {
				t.Errorf("%s, kind %d: %+v, %v", name, kind, m, err)
			}
		}
	}
	for name, text := range map[string]string{
		"classic": `{"uid":"x","type":201` + more + `"seq":7,"node":{"name":"n","version":2,"address":"","features":["waves"]}}`,
		"shared":  `{"uid":"x","nsp":"/","type":1` + more + `"seq":7,"data":{"node":{"name":"n","version":2,"address":"","features":["waves"]}}}`,
	} {
		read := map[string]func() (*adapter.Message, error){
			"classic": func() (*adapter.Message, error) { return r.Classic("p-request#/#", []byte(text)) },
			"shared":  func() (*adapter.Message, error) { return r.Shared("/", []byte(text)) },
		}[name]
		if m, err := read(); err != nil || m == nil || m.Kind != adapter.Hello || m.Node == nil || m.Node.Name != "n" || m.Node.Version != 2 {
			t.Errorf("%s: a longer hello: %+v, %v", name, m, err)
		}
	}
	// Of nobody, or without a number, it is none of ours.
	for _, text := range []string{`{"uid":"x","nsp":"/","type":30,"data":{}}`, `{"nsp":"/","type":30,"seq":7,"data":{}}`, `{"uid":"x","nsp":"/","type":20,"seq":7,"data":{}}`} {
		if m, err := r.Shared("/", []byte(text)); err != Kind {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
}
