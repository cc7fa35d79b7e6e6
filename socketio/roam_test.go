package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// logged are what a bus with a log promises.
var logged = adapter.Traits{Ordered: true, AtLeastOnce: true, Log: true}

// A traveller is one client over all its connections, and what it has got: the
// numbers of each row, of which none may be missing.
type traveller struct {
	*socketiotest.Client
	name  string
	last  map[string]int
	wrong []string
}

func (c *traveller) options() *socketiotest.Options {
	return &socketiotest.Options{
		Auth: map[string]string{"name": c.name},
		Handle: map[string]func(*socketiotest.Event){"n": func(e *socketiotest.Event) {
			var row string
			var n int
			e.Scan(&row, &n)
			if last, ok := c.last[row]; ok && n != last+1 {
				c.wrong = append(c.wrong, fmt.Sprintf("%s: %s %d after %d", c.name, row, n, last))
			}
			c.last[row] = n
		}},
	}
}

// A journey is nodes whose clients go from one to another.
type journey struct {
	t     *testing.T
	r     *rand.Rand
	bus   *adaptertest.Bus
	o     *socketio.Recovery
	slow  time.Duration // how long sessions take to be stored at most, and to be looked at; 0: no time
	nodes []*station
	ever  []*station
	born  int
	all   []*traveller
	rows  map[string]int
	begun map[string]int

	recovered, refused int
}

type station struct {
	name   string
	srv    *socketio.Server
	server *socketiotest.Server
}

func (j *journey) start() *station {
	n := &station{name: fmt.Sprint("n", j.born)}
	j.born++
	o := quiet()
	o.Recovery, o.Cluster = j.o, j.bus.Adapter(n.name)
	if j.slow > 0 {
		o.Cluster = newSlowStore(o.Cluster, j.slow, uint64(j.born))
	}
	o.ClusterOptions.Name = n.name
	n.srv = socketio.New(o)
	n.srv.OnConnect(func(_ context.Context, s *socketio.Socket) {
		if !s.Recovered() {
			name, _ := s.Handshake().Auth()["name"].(string)
			s.Set("name", name)
			if err := s.Join("room " + name[len(name)-1:]); err != nil && !errors.Is(err, socketio.ErrDisconnected) {
				j.t.Error(err)
			}
		}
	})
	n.server = socketiotest.Serve(j.t, n.srv)
	j.nodes, j.ever = append(j.nodes, n), append(j.ever, n)
	return n
}

func (j *journey) one() *station { return j.nodes[j.r.IntN(len(j.nodes))] }

func (j *journey) connect() {
	c := &traveller{name: fmt.Sprintf("c%d", len(j.all)), last: map[string]int{}}
	c.Client = j.one().server.Connect(c.options())
	j.all = append(j.all, c)
}

// emit sends the next of a row.
func (j *journey) emit(n *station, row string, to interface {
	Emit(string, ...any) error
}) {
	name := row
	row = fmt.Sprint(n.name, " ", name, " ", j.begun[n.name+name])
	j.rows[row]++
	switch err := to.Emit("n", row, j.rows[row]); {
	case errors.Is(err, socketio.ErrDisconnected):
		j.begun[n.name+name]++ // it may be kept or not, so this row ends
		j.rows[row] = -1
	case err != nil && !errors.Is(err, engineio.ErrClosed): // it is kept
		j.t.Error(err)
	}
}

// traffic has a node send something to some.
func (j *journey) traffic() {
	n := j.one()
	switch j.r.IntN(4) {
	case 0:
		j.emit(n, "all", n.srv)
	case 1:
		room := fmt.Sprint("room ", j.r.IntN(10))
		j.emit(n, room, n.srv.To(room))
	case 2:
		c := j.all[j.r.IntN(len(j.all))]
		if s, ok := n.srv.Of("/").Socket(c.ID()); ok {
			j.emit(n, "to "+c.name, s)
		}
	default:
		c := j.all[j.r.IntN(len(j.all))]
		j.emit(n, "name "+c.name, n.srv.To(c.ID()))
	}
}

// move cuts a client off, and has it come to another node.
func (j *journey) move(c *traveller) {
	if j.r.IntN(2) == 0 {
		c.StopReading() // what is on its way will be missed
		for range j.r.IntN(20) {
			j.traffic()
		}
		time.Sleep(time.Duration(j.r.IntN(50)) * time.Millisecond)
	}
	c.Cut()
	for range j.r.IntN(20) {
		j.traffic()
	}
	time.Sleep(time.Duration(j.r.IntN(500)) * time.Millisecond)
	j.comeBack(c)
}

func (j *journey) comeBack(c *traveller) {
	id := c.ID()

	c.Client = c.ReconnectTo(j.one().server)
	if id == c.ID() {
		j.recovered++
	} else {
		j.refused++
		clear(c.last)
	}
}

func (j *journey) check() {
	j.t.Helper()
	time.Sleep(15 * time.Second)
	synctest.Wait()
	for _, c := range j.all {
		for _, text := range c.wrong {
			j.t.Error(text)
		}
		for row, n := range c.last {
			if want := j.rows[row]; n != want && want >= 0 {
				j.t.Errorf("%s: the last of %s is %d, not %d", c.name, row, n, j.rows[row])
			}
		}
	}
}

func onJourney(t *testing.T, seed uint64, b adaptertest.BusOptions, o *socketio.Recovery, f func(j *journey)) {
	t.Helper()
	onSlowJourney(t, seed, 0, b, o, f)
}

func onSlowJourney(t *testing.T, seed uint64, slow time.Duration, b adaptertest.BusOptions, o *socketio.Recovery, f func(j *journey)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b.Seed = seed
		j := &journey{t: t, r: rand.New(rand.NewPCG(seed, 7)), bus: adaptertest.NewBusWith(b), o: o, slow: slow, rows: map[string]int{}, begun: map[string]int{}}
		for range 2 {
			j.start()
		}
		time.Sleep(time.Second)
		for range 6 {
			j.connect()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		f(j)
		j.check()
		if t.Failed() { // which ends the test outside, too
			t.Errorf("again: SEED=%d make simulate", seed)
		}
	})
}

// lives are the seeds from 0 on: n, or SEEDS if that is set, or that of SEED only
// (see make simulate).
func lives(t *testing.T, n uint64) iter.Seq[uint64] {
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return func(yield func(uint64) bool) {
		first, end := uint64(0), number("SEEDS", n)
		if os.Getenv("SEED") != "" {
			first = number("SEED", 0)
			end = first + 1
		}
		for seed := first; seed < end; seed++ {
			if !yield(seed) {
				return
			}
		}
	}
}

// TestRoam: clients that go to and fro between nodes get every event, in order,
// once; all are recovered.
func TestRoam(t *testing.T) {
	for seed := range lives(t, 20) {
		o := adaptertest.BusOptions{Traits: logged, Faults: adaptertest.Faults{Delay: 200 * time.Millisecond, Duplicate: 0.1}}
		onJourney(t, seed, o, &socketio.Recovery{}, func(j *journey) {
			for range 30 {
				for range j.r.IntN(10) {
					j.traffic()
				}
				j.move(j.all[j.r.IntN(len(j.all))])
			}
			if j.refused > 0 {
				t.Errorf("%d of %d not recovered: %v", j.refused, j.refused+j.recovered, unrecovered(j))
			}
		})
	}
}

// TestRoamFaults: whatever happens to nodes and the log, who is told that he was
// recovered has got all.
func TestRoamFaults(t *testing.T) {
	whys := map[string]uint64{}
	recovered, refused := 0, 0
	for seed := range lives(t, 200) {
		steps := 12
		if seed >= 200 {
			steps = 40
		}
		o := adaptertest.BusOptions{Traits: logged, Faults: adaptertest.Faults{Delay: 200 * time.Millisecond, Duplicate: 0.1}}
		r := &socketio.Recovery{}
		if seed%3 == 0 {
			r.MaxPackets = 30
		}
		onJourney(t, seed, o, r, func(j *journey) {
			for range steps {
				for range j.r.IntN(10) {
					j.traffic()
				}
				switch j.r.IntN(12) {
				case 0:
					if len(j.nodes) > 1 {
						j.crash(j.one())
					}
				case 1:
					if len(j.nodes) < 4 {
						j.start()
					}
				case 2:
					j.bus.Trim(j.r.IntN(40))
				case 3:
					n := j.one()
					j.bus.Cut(n.name)
					time.AfterFunc(time.Duration(j.r.IntN(8000))*time.Millisecond, func() { j.bus.Mend(n.name) })
				case 4:
					j.bus.Pause()
					time.AfterFunc(time.Duration(j.r.IntN(4000))*time.Millisecond, j.bus.Resume)
				case 5:
					if seed%2 == 0 {
						j.bus.NewLog()
					}
				}
				j.move(j.all[j.r.IntN(len(j.all))])
			}
			recovered, refused = recovered+j.recovered, refused+j.refused
			for _, n := range j.nodes {
				for why, count := range n.srv.Stats().Unrecovered {
					whys[why] += count
				}
			}
		})
	}
	t.Logf("%d recovered, %d not: %v", recovered, refused, whys)
}

// TestRoamHandOver: where the backend has no log, nodes that stop hand their
// clients over: through a rolling restart they are recovered, and miss nothing,
// those too that come to another node before their sessions do, or have got
// nothing on the node before.
func TestRoamHandOver(t *testing.T) {
	for seed := range lives(t, 30) {
		moves := seed%3 == 2
		o := adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true, Routes: seed%2 == 0}, Faults: adaptertest.Faults{Delay: 50 * time.Millisecond}}
		onJourney(t, seed, o, &socketio.Recovery{}, func(j *journey) {
			j.start()
			time.Sleep(time.Second)
			for range 6 {
				for range j.r.IntN(40) {
					j.traffic()
				}
				j.roll()
				if moves { // from a node that lives: told that it is not recovered, or not moved at all
					j.move(j.all[j.r.IntN(len(j.all))])
				}
				j.start()
				time.Sleep(time.Second)
			}
			if j.refused > 0 && !moves {
				t.Errorf("%d of %d not recovered: %v", j.refused, j.refused+j.recovered, unrecovered(j))
			}
		})
	}
}

// roll stops the oldest node as one should; its clients come back to others.
func (j *journey) roll() {
	n := j.nodes[0]
	var lost []*traveller
	for _, c := range j.all {
		if _, ok := n.srv.Of("/").Socket(c.ID()); ok {
			if j.r.IntN(2) == 0 {
				c.StopReading() // what is on its way will be missed
			}
			lost = append(lost, c)
		}
	}
	for range j.r.IntN(40) {
		j.traffic()
	}
	j.nodes = j.nodes[1:]
	var away []*traveller
	for _, c := range lost {
		if j.r.IntN(3) == 0 {
			c.Cut() // it is away when its node stops
			away = append(away, c)
		}
	}
	synctest.Wait()
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		stopped <- n.srv.Shutdown(ctx)
	}()
	for range j.r.IntN(20) {
		j.traffic()
	}
	for _, c := range lost {
		if slices.Contains(away, c) {
			continue
		}
		for _, ok := n.srv.Of("/").Socket(c.ID()); ok; _, ok = n.srv.Of("/").Socket(c.ID()) {
			time.Sleep(time.Millisecond)
		}
		c.Cut()
		j.comeBack(c)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		j.t.Error(err)
	}
	for _, c := range away {
		j.comeBack(c)
	}
}

// crash ends a node without a word; its clients come back to others.
func (j *journey) crash(n *station) {
	j.nodes = slices.DeleteFunc(j.nodes, func(o *station) bool { return o == n })
	j.bus.Crash(n.name)
	var lost []*traveller
	for _, c := range j.all {
		if _, ok := n.srv.Of("/").Socket(c.ID()); ok {
			lost = append(lost, c)
		}
	}
	for _, c := range lost {
		c.Cut()
	}
	if err := n.srv.Close(); err != nil {
		j.t.Log(err)
	}
	for row := range j.rows {
		if strings.HasPrefix(row, n.name+" ") {
			j.rows[row] = -1 // what it has sent last, nobody knows
		}
	}
	for _, c := range lost {
		j.comeBack(c)
	}
}

func unrecovered(j *journey) (whys []string) {
	for _, n := range j.ever {
		for why, count := range n.srv.Stats().Unrecovered {
			if count > 0 {
				whys = append(whys, fmt.Sprint(why, ": ", count))
			}
		}
	}
	slices.Sort(whys)
	return whys
}
