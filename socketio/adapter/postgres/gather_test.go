//go:build unix

package postgres

import (
	"slices"
	"strings"
	"testing"
)

// Messages that come together, some in rows, of which some are missing, too large
// or more than is read at once, are passed on in their order.
func TestRowsTogether(t *testing.T) {
	s, prefix := newServer(t)
	b := join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, func(o *Options, _ *pace) { o.MaxMessage = 2 << 20 })
	// Of 80: each third is the notification itself, 7, 27 … are missing, 14, 34 …
	// too large, and each fifth of the others has a megabyte and a half.
	s.do(t, strings.NewReplacer("TABLE", table, "CHANNEL", prefix+"#/").Replace(`DO $$
DECLARE k bigint; body text;
BEGIN
	FOR i IN 1..80 LOOP
		body := '{"uid":"cccccccccccccccc","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"packet":{"type":2,"data":["n",' || i || ',"' ||
			repeat('x', CASE WHEN i % 3 = 0 THEN 10 WHEN i % 20 = 14 THEN 2500000 WHEN i % 5 = 0 THEN 1500000 ELSE 10 END) || '"],"nsp":"/"}}}';
		IF i % 3 = 0 THEN
			PERFORM pg_notify('CHANNEL', body);
		ELSE
			INSERT INTO TABLE (payload) VALUES (convert_to(body, 'UTF8')) RETURNING id INTO k;
			IF i % 20 = 7 THEN
				DELETE FROM TABLE WHERE id = k;
			END IF;
			PERFORM pg_notify('CHANNEL', '{"uid":"cccccccccccccccc","type":3,"attachmentId":"' || k || '"}');
		END IF;
	END LOOP;
END $$`))
	b.hears(80)
	want, missing, large := []int(nil), 0, 0
	for i := 1; i <= 80; i++ {
		switch {
		case i%3 == 0:
			want = append(want, i)
		case i%20 == 7:
			missing++
		case i%20 == 14:
			large++
		default:
			want = append(want, i)
		}
	}
	if got := b.heard(); !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.malformed["parse"] != missing || b.malformed["size"] != large {
		t.Errorf("malformed: %v, want %d missing and %d too large", b.malformed, missing, large)
	}
}
