package postgres

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// dialTime is how long a connection may take until it can be used.
const dialTime = 5 * time.Second

// A conn is a connection that has signed in. It is pgx's until then, and read and
// written here afterwards: nothing is done behind our back when it ends.
type conn struct {
	gauge *gauge
	fe    *pgproto3.Frontend

	mu sync.Mutex // one question, and its answer, at a time
}

// A gauge is a network connection that knows when it was read last.
type gauge struct {
	net.Conn
	made time.Time
	last atomic.Int64 // as a Duration since it was made
}

func (g *gauge) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if n > 0 {
		g.last.Store(int64(time.Since(g.made)))
	}
	return n, err
}

// close ends the connection, whoever uses it.
func (c *conn) close() { _ = c.gauge.Close() }

// silent is for how long nothing has come.
func (c *conn) silent() time.Duration {
	return time.Since(c.gauge.made) - time.Duration(c.gauge.last.Load())
}

// dial connects and signs in.
func (a *Adapter) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	config := a.config.Copy()
	c := &conn{}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c.gauge = &gauge{Conn: nc, made: time.Now()}
		return c.gauge, nil
	}
	pc, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err = pc.SyncConn(ctx); err != nil {
		c.close()
		return nil, err
	}
	hc, err := pc.Hijack()
	if err != nil {
		c.close()
		return nil, err
	}
	c.fe = hc.Frontend
	c.fe.SetMaxBodyLen(a.o.MaxMessage + 64<<10)
	_ = hc.Conn.SetDeadline(time.Time{})
	// Nothing that is written here has to outlive a crash of the server.
	if _, err = c.ask("", "SET synchronous_commit = off"); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// ask asks one question and waits for its answer: the first column of each row,
// in binary form. name, if not empty, is that of a statement that prepare has
// made of the question.
func (c *conn) ask(name, sql string, params ...[]byte) (rows [][]byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name == "" {
		c.fe.SendParse(&pgproto3.Parse{Query: sql})
	}
	binaries := []int16{1}
	c.fe.SendBind(&pgproto3.Bind{PreparedStatement: name, ParameterFormatCodes: binaries, Parameters: params, ResultFormatCodes: binaries})
	c.fe.SendExecute(&pgproto3.Execute{})
	c.fe.SendSync(&pgproto3.Sync{})
	return c.answer()
}

// prepare gives a question a name.
func (c *conn) prepare(name, sql string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fe.SendParse(&pgproto3.Parse{Name: name, Query: sql})
	c.fe.SendSync(&pgproto3.Sync{})
	_, err := c.answer()
	return err
}

// answer sends what waits and reads all that answers it. A *pgconn.PgError says
// that the server has refused; other errors are of the connection.
func (c *conn) answer() (rows [][]byte, err error) {
	if err := c.fe.Flush(); err != nil {
		return nil, err
	}
	for {
		m, e := c.fe.Receive()
		if e != nil {
			return nil, e
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			var value []byte // nil: NULL
			if len(m.Values) > 0 && m.Values[0] != nil {
				value = append([]byte{}, m.Values[0]...)
			}
			rows = append(rows, value)
		case *pgproto3.ErrorResponse:
			err = pgconn.ErrorResponseToPgError(m)
			if m.Severity == "FATAL" {
				return nil, err
			}
		case *pgproto3.ReadyForQuery:
			return rows, err
		}
	}
}

// Types of values, as the server numbers them.
const (
	typeBytes  = 17
	typeNumber = 20
	typeText   = 25
)

// array is a one-dimensional array in binary form.
func array[T []byte | string](oid uint32, items []T) []byte {
	size := 20
	for _, it := range items {
		size += 4 + len(it)
	}
	b := make([]byte, 0, size)
	for _, n := range []uint32{1, 0, oid, uint32(len(items)), 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	for _, it := range items {
		b = binary.BigEndian.AppendUint32(b, uint32(len(it)))
		b = append(b, it...)
	}
	return b
}
