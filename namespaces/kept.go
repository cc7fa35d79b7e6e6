package namespaces

import (
	"encoding/json"

	"github.com/sockeye-io/sockeye/socketio"
)

// kept is a list that is often asked for and seldom changes. Its JSON is made
// when it is asked for, and again only after a change.
type kept[T any] struct {
	list []T
	json []byte // nil after a change
}

func (k *kept[T]) set(list []T) { k.list, k.json = list, nil }

func (k *kept[T]) encoded() socketio.Raw {
	if k.json == nil {
		if len(k.list) == 0 {
			k.json = []byte("[]")
		} else if data, err := json.Marshal(k.list); err == nil { // lists of what was decoded, which can be encoded
			k.json = data
		}
	}
	return socketio.RawJSON(k.json)
}
