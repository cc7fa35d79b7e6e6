package value

// Kind is the kind of an encoded value, in JavaScript's terms.
type Kind byte

const (
	None Kind = iota // no value
	Null
	Bool
	Number
	String
	Binary
	Array
	Object
)

var kindNames = [...]string{"none", "null", "bool", "number", "string", "binary", "array", "object"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// kindJSON returns the kind of a value in JSON that a Scanner accepted, with
// the attachments of its packet.
func kindJSON(data []byte, attachments [][]byte) Kind {
	c := cursor{data: data}
	c.space()
	if c.i == len(data) {
		return None
	}
	switch data[c.i] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		if len(attachments) > 0 {
			if _, ok := parsePlaceholder(data); ok {
				return Binary
			}
		}
		return Object
	}
	return Number
}
