package siowire

import (
	"errors"
	"fmt"
	"testing"
)

// TestAdvisories: what is known to have broken parsers of this protocol is
// refused here. Those with tests of their own: CVE-2026-33151 and
// CVE-2026-48804 (TestLimits), CVE-2026-69185 (TestCVE202669185Reassembly),
// CVE-2020-36049 (TestCVE202036049ParseIsLinear).
func TestAdvisories(t *testing.T) {
	refused := map[string][]string{
		// socket.io-parser did not look at the number in a placeholder.
		"CVE-2022-2421": {},
		// socket.io-parser did not look at the type of an event's name, and converted
		// it to a string later.
		"CVE-2023-32695": {
			`2[{"toString":1}]`, `2[{"toString":"rce"},1]`, `2[]`, `2[null]`, `2[true]`, `2[["a"]]`, `2["connect"]`, `2["connect_error"]`, `2["disconnect"]`,
			`2["disconnecting"]`, `2["newListener"]`, `2["removeListener"]`, `2["\u0063onnect"]`, `51-[{"_placeholder":true,"num":0}]`,
		},
		// go-socket.io 1.7 made a slice of as many attachments as the packet announced.
		"go-socket.io 1.7": {`59999999999999999-["x"]`, `599999999999999999999999-["x"]`, `6-1-[]`, `5-["x"]`},
	}
	for _, num := range []string{
		"-1", "-0", "0.5", "0.0", "1", "2", "1e0", "1e99", "9007199254740993", "99999999999999999999", `"0"`, `"constructor"`, `"__proto__"`, "null", "true", "[]", "[0]", "{}", "{\"valueOf\":0}",
	} {
		refused["CVE-2022-2421"] = append(refused["CVE-2022-2421"],
			fmt.Sprintf(`51-["x",{"_placeholder":true,"num":%s}]`, num), fmt.Sprintf(`51-["x",[{"a":{"num":%s,"_placeholder":true}}]]`, num))
	}
	refused["CVE-2022-2421"] = append(refused["CVE-2022-2421"], `51-["x",{"_placeholder":true}]`,
		`52-["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]`, `52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`,
		`51-["x",{"_placeholder":true,"num":0,"num":0}]`, `51-["x",{"_placeholder":true,"num":0,"num":1}]`, `51-["x",{"num":-1,"_placeholder":true,"num":0}]`)
	tried := 0
	for advisory, texts := range refused {
		for _, text := range texts {
			tried++
			var p Packet
			d := (&JSONParser{}).NewDecoder(nil)
			if ok, err := d.Add([]byte(text), false, &p); !errors.Is(err, errMalformed) || ok || d.Pending() {
				t.Errorf("%s: %s: complete %v, pending %v, %v", advisory, text, ok, d.Pending(), err)
			}
		}
	}
	t.Logf("hostile inputs: packets of advisories: %d", tried)
}
