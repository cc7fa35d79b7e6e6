package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a server may say about its Cluster.
const (
	maxMasters  = 1000
	maxTopology = 4 << 20 // bytes
)

// A topology is which server has which slot.
type topology struct {
	masters  []string // addresses
	replicas []string
	of       [slots]uint16 // 1 + the index of its master; 0: it has none
	bare     int           // slots that have none
	cluster  bool          // else one server has all
}

// alone is the topology of a server that is no part of a Cluster.
func alone(addr string) *topology {
	t := &topology{masters: []string{addr}}
	for i := range t.of {
		t.of[i] = 1
	}
	return t
}

var (
	errTopology = errors.New("redis: the server's answer to CLUSTER SLOTS makes no sense")
	errNoSlots  = errors.New("redis: the Cluster has slots without a master")
)

// askTime is how long one server may take to tell the topology.
const askTime = 2 * time.Second

// topology asks the servers at addrs, one after the other, until one tells.
func (o *Options) topology(ctx context.Context, addrs []string) (*topology, error) {
	if o.Sentinel != "" {
		addr, err := o.master(ctx)
		if err != nil {
			return nil, err
		}
		return alone(addr), nil
	}
	var errs []error
	for _, addr := range addrs {
		t, err := o.askTopology(ctx, addr)
		if err == nil {
			return t, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(errs) < 5 {
			errs = append(errs, err)
		}
	}
	return nil, errors.Join(errs...)
}

func (o *Options) askTopology(ctx context.Context, addr string) (*topology, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	c, err := o.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	defer context.AfterFunc(ctx, c.close)()
	c.most.Store(maxTopology)
	v, err := c.do("CLUSTER", "SLOTS")
	if err == nil {
		return parseTopology(addr, v)
	}
	var said replyError
	if errors.As(err, &said) {
		text := strings.ToLower(string(said))
		if strings.Contains(text, "cluster support disabled") || strings.Contains(text, "unknown command") {
			if len(o.Addrs) > 1 {
				return nil, fmt.Errorf("redis: %s is no part of a Cluster: write its address alone", addr)
			}
			return alone(addr), nil
		}
	}
	return nil, fmt.Errorf("%s: %w", addr, err)
}

// parseTopology reads the answer of the server at from to CLUSTER SLOTS.
func parseTopology(from string, v any) (*topology, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errTopology
	}
	host, _, err := net.SplitHostPort(from)
	if err != nil {
		return nil, errTopology
	}
	t := &topology{cluster: true, bare: slots}
	index := map[string]uint16{}
	for _, v := range list {
		row, ok := v.([]any)
		if !ok || len(row) < 3 {
			return nil, errTopology
		}
		first, ok1 := row[0].(int)
		last, ok2 := row[1].(int)
		if !ok1 || !ok2 || first < 0 || last >= slots || first > last {
			return nil, errTopology
		}
		for i, v := range row[2:] {
			addr, err := addrOf(host, v)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				if addr != "" && len(t.replicas) < maxMasters && !slices.Contains(t.replicas, addr) {
					t.replicas = append(t.replicas, addr)
				}
				continue
			}
			if addr == "" { // the Cluster does not know where it is
				continue
			}
			n := index[addr]
			if n == 0 {
				if len(t.masters) == maxMasters {
					return nil, fmt.Errorf("%w: more than %d masters", errTopology, maxMasters)
				}
				t.masters = append(t.masters, addr)
				n = uint16(len(t.masters))
				index[addr] = n
			}
			for s := first; s <= last; s++ {
				if t.of[s] != 0 {
					return nil, errTopology
				}
				t.of[s] = n
				t.bare--
			}
		}
	}
	return t, nil
}

// addrOf is the address of a server in an answer of the one at host, "" if it is
// not known.
func addrOf(host string, v any) (string, error) {
	parts, ok := v.([]any)
	if !ok || len(parts) < 2 {
		return "", errTopology
	}
	name, ok := parts[0].(string)
	port, isPort := parts[1].(int)
	switch {
	case !isPort || port < 0 || port > 65535 || len(name) > 255:
		return "", errTopology
	case parts[0] != nil && !ok:
		return "", errTopology
	case name == "?" || port == 0:
		return "", nil
	case name == "": // where it was asked
		name = host
	}
	return net.JoinHostPort(name, strconv.Itoa(port)), nil
}

// movedTo is the address that a MOVED or ASK names, "" if e is neither.
func (e replyError) movedTo(asked string) string {
	parts := strings.Fields(string(e))
	if len(parts) != 3 || parts[0] != "MOVED" && parts[0] != "ASK" {
		return ""
	}
	colon := strings.LastIndexByte(parts[2], ':') // of an IPv6 address it writes no brackets
	if colon < 0 || colon > 255 {
		return ""
	}
	host, port := parts[2][:colon], parts[2][colon+1:]
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return ""
	}
	if host == "" || host == "?" {
		host, _, _ = net.SplitHostPort(asked)
	}
	return net.JoinHostPort(host, port)
}
