//go:build linux

package main

import "time"

// watcher looks at the server's memory and connections while a load runs.
type watcher struct {
	g     *gauge
	slow  int
	quit  chan struct{}
	ended chan struct{}

	start, most int64 // RSS
	dropped     int
	droppedAt   time.Duration
}

// watch begins to look, every 250 ms; the server may close up to slow
// connections.
func watch(g *gauge, slow int) *watcher {
	w := &watcher{g: g, slow: slow, quit: make(chan struct{}), ended: make(chan struct{}), start: g.rssKiB()}
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.ended)
	began, fds := time.Now(), w.g.fds()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		w.most = max(w.most, w.g.rssKiB())
		if w.slow > 0 {
			if gone := fds - w.g.fds(); gone > w.dropped {
				w.dropped, w.droppedAt = gone, time.Since(began)
			}
		}
		select {
		case <-w.quit:
			return
		case <-tick.C:
		}
	}
}

// stop ends the watch and reports.
func (w *watcher) stop(r *result) {
	close(w.quit)
	<-w.ended
	r.RSSStart, r.RSSGrowth = w.start, w.most-w.start
	r.SlowDropped, r.SlowDroppedS = w.dropped, round(w.droppedAt.Seconds(), 1)
}
