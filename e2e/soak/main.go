// Command soak holds thousands of clients against a Sockeye server for as long
// as one likes. They come and go, meet in rooms, ask and are asked, and do all
// that goes wrong in networks and programs. In the end it says whether a
// promise was broken: a leak, a book that does not balance, a message that was
// lost, doubled or out of order. `make soak` runs it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	Clients int
	For     time.Duration // the round that counts
	Warm    time.Duration // the one before it
	Life    time.Duration // of a connection, on average
	Pace    time.Duration // between two actions of a client, on average
	Every   time.Duration // between two lines
	Seed    uint64
	Brief   int    // instead of all that, so many short polling sessions at a time
	Log     string // file for the server's log; none by default
	Tidy    bool   // clients close what they have left lying about; otherwise the server has to
}

func main() {
	if os.Getenv(serverEnv) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, "soak: the server's process:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.Clients, "clients", 5000, "how many clients there are at a time")
	flag.DurationVar(&o.For, "for", 30*time.Minute, "how long they stay")
	flag.DurationVar(&o.Warm, "warm", time.Minute, "how long a round before that lasts, after which memory is measured")
	flag.DurationVar(&o.Life, "life", time.Minute, "how long one connection lasts, on average")
	flag.DurationVar(&o.Pace, "pace", 6*time.Second, "how long a client waits between two actions, on average")
	flag.DurationVar(&o.Every, "every", time.Minute, "how often to print a line")
	flag.Uint64Var(&o.Seed, "seed", 0, "where random numbers start; 0 takes the clock")
	flag.IntVar(&o.Brief, "brief", 0, "instead of all that, short polling sessions, so many at a time")
	flag.StringVar(&o.Log, "log", "", "file for the server's log: why each session has ended")
	flag.Parse()
	if o.Clients < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if o.Seed == 0 {
		o.Seed = uint64(time.Now().UnixNano())
	}
	stop := make(chan struct{})
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		signal.Stop(interrupted) // a second time, it kills
		close(stop)
	}()
	run := soak
	if o.Brief > 0 {
		run = brief
	}
	err := run(o, stop, os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// soak runs both rounds and returns what was broken. A closed stop cuts the
// round short; the judgement is the same.
func soak(o options, stop <-chan struct{}, out io.Writer) (err error) {
	fmt.Fprintf(out, "soak: %d clients for %v, after %v to warm up; seed %d; a line about every %v\n", o.Clients, o.For, o.Warm, o.Seed, o.Every)
	srv, err := start(o.Log)
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			err = errors.Join(err, srv.end())
		}
	}()
	all := func() (n uint64, err error) {
		err = srv.ask("all", &n)
		return n, err
	}
	begun := time.Now()
	var j judgement

	warm := newCrowd(o, srv.Addr, out)
	if err = warm.round(o.Seed, func() error { return warm.enough(o.Warm, o.Every, stop, noTick) }, all); err != nil {
		return err
	}
	if j.base, err = idle(srv, nil); err != nil {
		return err
	}
	fmt.Fprintln(out, line("warm, empty", 0, warm, j.base))

	c := newCrowd(o, srv.Addr, out)
	sample := func() error {
		var r report
		_, err := all()
		if err = errors.Join(err, srv.ask("report", &r)); err == nil {
			j.samples = append(j.samples, r)
			fmt.Fprintln(out, line(time.Since(begun).Round(time.Second).String(), c.open.Load(), c, r))
		}
		return err
	}
	if err = c.round(o.Seed+1, func() error { return c.enough(o.For, o.Every, stop, sample) }, all); err != nil {
		return err
	}
	if j.end, err = idle(srv, &j.base); err != nil {
		return err
	}
	fmt.Fprintln(out, line("empty again", 0, c, j.end))
	if err = srv.ask("stop", &j.stopped); err != nil {
		j.stopped = j.end // all that is known
	}
	ended = true
	err = errors.Join(err, srv.end())
	j.wrong = append(warm.wrong, c.wrong...)
	if n := warm.more + c.more; n > 0 {
		j.wrong = append(j.wrong, fmt.Sprintf("and %d more", n))
	}
	j.received = warm.count.received.Load() + c.count.received.Load()
	table(out, warm, c, &j, time.Since(begun))
	return errors.Join(j.verdict(), err)
}

func noTick() error { return nil }

// idle waits until nothing of the clients is left, or until it is clear that
// something stays: the judgement says what.
func idle(srv *child, base *report) (r report, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if err = srv.ask("report", &r); err != nil || empty(&r, base) || time.Now().After(deadline) {
			return r, err
		}
	}
}
