package postgres

import (
	"errors"
	"slices"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

const (
	table = "socket_io_attachments"

	notify    = "notify"
	notifySQL = "SELECT count(pg_notify(c, p)) FROM unnest($1::text[], $2::text[]) AS n(c, p)"

	insertSQL = "INSERT INTO " + table + " (payload) SELECT p FROM unnest($1::bytea[]) WITH ORDINALITY AS n(p, i) ORDER BY i RETURNING id::text"
	deleteSQL = "DELETE FROM " + table + " WHERE created_at < now() - interval '30 seconds'"
)

// send publishes a batch, and deletes old rows now and then.
func (l *link) send(batch []*outbox.Item) error {
	l.vigil.Asked()
	defer l.vigil.Answered()
	err := l.publish(batch)
	if err == nil && time.Since(l.cleaned) > l.a.pace.clean {
		err = l.clean()
	}
	return err
}

// publish sends a batch and gives it back to the queue: what was surely not sent
// to be sent again, what the server refuses for itself as lost, and likewise what
// may or may not have been sent when the connection ends. The error is a reason to
// give up the link.
func (l *link) publish(batch []*outbox.Item) error {
	out := l.a.base.Out
	ids, err := l.store(batch)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		err = l.notify(batch, ids)
	case !errors.As(err, &refused):
		out.Back(batch) // nobody was told of what may have been stored
		return err
	}
	switch {
	case err == nil:
		l.sent(batch)
		return nil
	case !errors.As(err, &refused):
		out.Lost(batch)
		return err
	case unready(refused):
		out.Back(batch)
		return err
	case len(batch) > 1:
		for i := range batch { // which of them is it?
			if err := l.publish(batch[i : i+1]); err != nil {
				out.Back(batch[i+1:])
				return err
			}
		}
		return nil
	}
	l.a.log.Warn("the cluster's PostgreSQL refuses a message", "error", refused.Message)
	out.Lost(batch)
	return nil
}

// unready reports whether a server refuses since it takes nothing now, whatever
// it is.
func unready(e *pgconn.PgError) bool {
	switch e.Code[:min(2, len(e.Code))] {
	case "08", "25", "53", "54", "57", "58": // connection, read only, resources, limits, shutdown, system
		return true
	}
	return e.Severity == "FATAL"
}

// store inserts the rows of a batch and returns their ids, in order.
func (l *link) store(batch []*outbox.Item) (ids []string, err error) {
	var rows [][]byte
	for _, it := range batch {
		if it.Tag == tagRow {
			_, row := headAndRow(it)
			rows = append(rows, row)
		}
	}
	if rows == nil {
		return nil, nil
	}
	param := array(typeBytes, rows)
	got, err := l.pub.ask("", insertSQL, param)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P01" { // somebody has dropped the table
		if err := l.makeTable(); err != nil {
			return nil, err
		}
		got, err = l.pub.ask("", insertSQL, param)
	}
	if err == nil && len(got) != len(rows) {
		err = errors.New("postgres: the server inserts another number of rows than it was given")
	}
	for _, id := range got {
		ids = append(ids, string(id))
	}
	return ids, err
}

// notify sends the notifications of a batch, in one transaction. ids are those of
// its rows.
func (l *link) notify(batch []*outbox.Item, ids []string) error {
	channels, payloads := make([]string, len(batch)), make([]string, len(batch))
	for i, it := range batch {
		channels[i] = it.Dest
		if it.Tag == tagRow {
			head, _ := headAndRow(it)
			payloads[i] = string(head) + ids[0] + `"}`
			ids = ids[1:]
		} else {
			payloads[i] = unsafe.String(unsafe.SliceData(it.Data), len(it.Data)) // until it is copied below
		}
	}
	_, err := l.pub.ask(notify, "", array(typeText, channels), array(typeText, payloads))
	return err
}

// sent gives a batch back that the server has taken.
func (l *link) sent(batch []*outbox.Item) {
	probes := slices.ContainsFunc(batch, func(it *outbox.Item) bool { return it.Own })
	l.a.base.Out.Sent(batch)
	if probes {
		l.vigil.Probed()
	}
}

// clean deletes old rows, of whichever node they are.
func (l *link) clean() error {
	l.cleaned = time.Now()
	for _, sql := range []string{deleteSQL, forgottenSQL} {
		if sql == forgottenSQL && !l.a.claimed.Load() {
			continue
		}
		_, err := l.pub.ask("", sql)
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused) && !unready(refused):
			if refused.Code != "42P01" {
				l.a.log.Warn("the cluster's PostgreSQL refuses to delete old rows", "error", refused.Message)
			}
		case err != nil:
			return err
		}
	}
	return nil
}
