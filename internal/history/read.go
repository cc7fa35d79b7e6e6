package history

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (k *Kind) UnmarshalText(text []byte) error {
	for *k = Emit; *k <= Done; *k++ {
		if k.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("history: there is no %q", text)
}

// Read reads a history that several processes of one machine have written, as
// JSON, a line each: the rules with their times in milliseconds, and then the
// events, each process's in order. They are sorted by time.
func Read(r io.Reader) ([]Event, Rules, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var rules struct {
		Ordered, Safe, Lanes      bool
		Local, Travel, Tell, Dead float64
	}
	var events []Event
	for n := 1; lines.Scan(); n++ {
		var err error
		if n == 1 {
			err = json.Unmarshal(lines.Bytes(), &rules)
		} else {
			var e Event
			err = json.Unmarshal(lines.Bytes(), &e)
			events = append(events, e)
		}
		if err != nil {
			return nil, Rules{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) })
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	return events, Rules{
		Ordered: rules.Ordered, Safe: rules.Safe, Lanes: rules.Lanes,
		Local: ms(rules.Local), Travel: ms(rules.Travel), Tell: ms(rules.Tell), Dead: ms(rules.Dead),
	}, lines.Err()
}
