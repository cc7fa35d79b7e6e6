package engineio

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// JSONP: an answer is a call with one string in it, whatever the message says,
// and the index is digits, or there is no such answer.
func TestJSONPCannotBeEscaped(t *testing.T) {
	tried := 0
	o := quiet()
	o.JSONP = true
	call := regexp.MustCompile(`^___eio\[7\]\("([ !#-;=-\[\]-\x7f]|\\[\\"/bfnrt]|\\u[0-9a-f]{4}|[^\x00-\x7f\x{2028}\x{2029}])*"\);$`)
	inMemory(t, o, func(t *testing.T, r *rig) {
		r.request("GET", "EIO=3&transport=polling&b64=1", "")
		e := <-r.opened
		q := "EIO=3&transport=polling&sid=" + e.s.ID()
		for _, message := range []string{
			`");alert(1);("`, `\");alert(1);("`, `\\"`, "</script><script>alert(1)</script>", "<!--<script>", "a\nb\r\u2028c\u2029d", "\x00\x07\x1b\x7f", "]]>", "é😀\ufeff", `'`, "`${x}`", `\u0022`,
		} {
			tried++
			_ = e.s.Send(text(message), 0)
			status, body, h := r.request("GET", q+"&j=7", "")
			if status != 200 || !call.MatchString(body) {
				t.Errorf("%q: %d %s", message, status, body)
			}
			var payload string
			if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(body, "___eio[7]("), ");")), &payload); err != nil || !strings.HasSuffix(payload, ":4"+message) {
				t.Errorf("%q came as %q: %v", message, payload, err)
			}
			want(t, "headers", h.Get("Content-Type")+" "+h.Get("X-Content-Type-Options"), "text/javascript; charset=UTF-8 nosniff")
		}
		for _, j := range []string{
			"abc", "1;alert(1)", "-1", "1.5", "1e3", "0x1", " 1", "1 ", "\uff11", "1\n", "1\x00", "__proto__", "[0]", "]", "1](", strings.Repeat("1", 21), "1&j=2", "<script>", "/**/1",
		} {
			for _, query := range []string{"EIO=3&transport=polling", q} {
				tried++
				status, body, _ := r.request("GET", query+"&j="+strings.ReplaceAll(url.QueryEscape(j), "%26j%3D", "&j="), "")
				if status != 400 || strings.Contains(body, "___eio") || !strings.HasPrefix(body, `{"code":3,`) {
					t.Errorf("j=%q: %d %s", j, status, body)
				}
			}
		}
		status, _, _ := r.request("GET", "EIO=3&transport=websocket&j=1", "")
		if want(t, "session", string(e.s.Transport()), "polling"); status != 400 {
			t.Errorf("JSONP over websocket: %d", status)
		}
	})
	t.Logf("hostile inputs: JSONP: %d", tried)
}
