package value

import "errors"

// appendJSON appends v to dst as JSON. It is an error if there is binary in it.
func appendJSON(dst []byte, v any) ([]byte, error) {
	e := encoder{buf: dst}
	if err := e.any(v); err != nil {
		return dst, err
	}
	if len(e.attachments) > 0 {
		return dst, errors.New("value holds binary, which plain JSON cannot carry")
	}
	return e.buf, nil
}

// appendMsgpack appends v to dst as MessagePack.
func appendMsgpack(dst []byte, v any) ([]byte, error) {
	e := encoder{buf: dst, msgpack: true}
	if err := e.any(v); err != nil {
		return dst, err
	}
	return e.buf, nil
}
