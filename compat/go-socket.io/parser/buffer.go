// Package parser has the type that go-socket.io marks binary with.
package parser

import "encoding/json"

// Buffer is binary, as an argument of a handler or of Emit, by itself or inside
// structs, maps and slices.
type Buffer struct {
	Data []byte

	num      uint64 // of a placeholder
	isBinary bool   // it was read from a placeholder
}

// BufferData is a Buffer as it stands in JSON: a placeholder with its number, or
// bytes.
type BufferData struct {
	Num         uint64
	PlaceHolder bool `json:"_placeholder"`
	Data        []byte
}

// MarshalJSON writes a placeholder as such, and bytes as an array of numbers, as
// JavaScript writes a Buffer.
func (a Buffer) MarshalJSON() ([]byte, error) {
	if a.isBinary {
		return json.Marshal(struct {
			Placeholder bool   `json:"_placeholder"`
			Num         uint64 `json:"num"`
		}{true, a.num})
	}
	numbers := make([]int, len(a.Data))
	for i, b := range a.Data {
		numbers[i] = int(b)
	}
	return json.Marshal(struct {
		Type string `json:"type"`
		Data []int  `json:"data"`
	}{"Buffer", numbers})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Buffer) UnmarshalJSON(b []byte) error {
	var d BufferData
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	*a = Buffer{Data: d.Data, num: d.Num, isBinary: d.PlaceHolder}
	return nil
}
