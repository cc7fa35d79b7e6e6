package postgres

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

// A note is a notification that waits for its turn.
type note struct {
	channel string
	data    []byte // the message; read only
	row     uint64 // the row that has it; 0: it is there, or err says why not
	err     error  // a Malformed
	own     bool   // it is this node's
}

// Rows are read together that were told of by notifications that had come
// together: so many of these at most, and about so many bytes.
const (
	gatherNotes = 512
	gatherBytes = 4 << 20
)

// noted reads a notification as far as it is there.
func (l *link) noted(channel, payload string) note {
	n := note{channel: channel, data: unsafe.Slice(unsafe.StringData(payload), len(payload))}
	from, row, err := l.a.reader.Attachment(n.data)
	switch {
	case err != nil:
		n.err = err
	case row != 0 && from == l.a.self.ID:
		n.own = true
	default:
		n.row = row
	}
	return n
}

// settle passes on what has been gathered, in its order, and returns what it was
// in, empty. The error is of a connection.
func (l *link) settle(notes []note) ([]note, error) {
	defer clear(notes)
	for next := 0; next < len(notes); {
		read, err := l.fetch(notes[next:])
		if err != nil {
			return nil, err
		}
		for _, n := range notes[next : next+read] {
			l.notified(&n)
		}
		next += read
	}
	return notes[:0], nil
}

// The first byte of what is read for a row tells what follows.
const (
	rowMissing = iota
	rowTooLarge
	rowLater // there were too many bytes before it
	rowHere
)

// fetchSQL reads the rows with the ids, in their order: the first, and as many as
// there is room for.
var fetchSQL = `SELECT CASE WHEN payload IS NULL THEN '\x00' WHEN octet_length(payload) > $2 THEN '\x01' WHEN i > 1 AND total > ` +
	strconv.Itoa(gatherBytes) + ` THEN '\x02' ELSE '\x03'::bytea || payload END FROM (
	SELECT i, payload, sum(octet_length(payload)) OVER (ORDER BY i) AS total
	FROM unnest($1::bigint[]) WITH ORDINALITY AS n(id, i) LEFT JOIN ` + table + ` USING (id)) AS rows ORDER BY i`

// fetch reads the rows of notes, and returns for how many of these it is settled
// what they are.
func (l *link) fetch(notes []note) (settled int, err error) {
	var rows []int // indices
	var ids [][]byte
	for i, n := range notes {
		if n.row != 0 {
			rows, ids = append(rows, i), append(ids, binary.BigEndian.AppendUint64(nil, n.row))
		}
	}
	if rows == nil {
		return len(notes), nil
	}
	got, err := l.pub.ask("", fetchSQL, array(typeNumber, ids), binary.BigEndian.AppendUint32(nil, uint32(min(l.a.o.MaxMessage, math.MaxInt32))))
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && !unready(refused):
		l.a.log.Warn("the cluster's PostgreSQL refuses to read messages", "error", refused.Message)
		got = make([][]byte, len(rows)) // missing
	case err != nil:
		return 0, err
	case len(got) != len(rows):
		return 0, errors.New("postgres: the server reads another number of rows than it was asked for")
	}
	for k, value := range got {
		n := &notes[rows[k]]
		switch {
		case len(value) > 0 && value[0] == rowLater && k > 0:
			return rows[k], nil
		case len(value) > 0 && value[0] == rowHere:
			n.data = value[1:]
		case len(value) > 0 && value[0] == rowTooLarge:
			n.err = nodewire.Size
		default:
			n.err = nodewire.Parse
		}
		n.row = 0
	}
	return len(notes), nil
}
