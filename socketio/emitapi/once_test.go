package emitapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A request that comes again with its key is answered as before, and done once.
func TestIdempotencyKey(t *testing.T) {
	inWorld(t, 1, Options{}, func(t *testing.T, w *world) {
		c := w.client(0)
		key := with("Idempotency-Key", "0b0a-1")
		first, h := w.ask(0, 200, request("emit", `{"event":"x"}`, key))
		if h.Get("Idempotent-Replayed") != "" {
			t.Error("the first is no replay")
		}
		w.client(0)
		again, h := w.ask(0, 200, request("emit", `{"event":"x"}`, key))
		if again != first || h.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s, then %s", first, again)
		}
		heard(t, c, "x")
		w.ask(0, 422, request("emit", `{"event":"y"}`, key))
		w.ask(0, 422, request("disconnect", `{"all":true}`, key))
		heard(t, c)
		w.ask(0, 400, request("emit", `{"event":""}`, with("Idempotency-Key", "failed")))
		w.ask(0, 200, request("emit", `{"event":"z"}`, with("Idempotency-Key", "failed"))) // what failed may be mended
		w.ask(0, 400, request("emit", `{"event":"z"}`, with("Idempotency-Key", strings.Repeat("k", 256))))
		w.ask(0, 400, request("emit", `{"event":"z"}`, with("Idempotency-Key", "é")))
		heard(t, c, "z")
		time.Sleep(10 * time.Minute)
		w.ask(0, 200, request("emit", `{"event":"y"}`, key)) // forgotten
		heard(t, c, "y")
	})
}

// While the first is worked on, the second is told so.
func TestIdempotencyKeyInProgress(t *testing.T) {
	inWorld(t, 2, Options{}, func(t *testing.T, w *world) {
		w.bus.Cut("n1") // so that counting takes its time
		key := with("Idempotency-Key", "k")
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.api[0].ServeHTTP(discard{http.Header{}}, request("emit", `{"event":"x"}`, key))
		}()
		synctest.Wait()
		w.ask(0, 409, request("emit", `{"event":"x"}`, key))
		<-done
		w.ask(0, 200, request("emit", `{"event":"x"}`, key))
	})
}

// No more is worked on at once than the option says.
func TestConcurrency(t *testing.T) {
	inWorld(t, 2, Options{MaxConcurrent: 2, MaxKeys: 1}, func(t *testing.T, w *world) {
		w.bus.Cut("n1")
		done := make(chan struct{}, 2)
		start := func(key string) {
			go func() {
				w.api[0].ServeHTTP(discard{http.Header{}}, request("emit", `{"event":"x"}`, with("Idempotency-Key", key)))
				done <- struct{}{}
			}()
		}
		start("a")
		synctest.Wait()
		w.ask(0, 503, request("emit", `{"event":"x"}`, with("Idempotency-Key", "b"))) // no place for its key
		start("a")                                                                    // 409 at once
		<-done
		start("")
		synctest.Wait()
		if _, h := w.ask(0, 503, request("emit", `{"event":"x"}`)); h.Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
		<-done
		<-done
		w.ask(0, 200, request("emit", `{"event":"x"}`))
	})
}

// What is remembered is bounded, the oldest goes first, and what fails or panics
// leaves nothing behind.
func TestKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o once
		o.init(time.Minute, 3)
		ran := 0
		do := func(key string) {
			t.Helper()
			if _, _, err := o.do(key, print("", nil), func() ([]byte, error) { ran++; return []byte("{}"), nil }); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		for i := range 100 {
			do(fmt.Sprint(i))
			if len(o.by) > 3 || len(o.order) > 3 {
				t.Fatalf("%d, %d", len(o.by), len(o.order))
			}
		}
		do("97")
		do("98")
		do("99")
		if ran != 100 {
			t.Errorf("%d ran", ran)
		}
		func() {
			defer func() { _ = recover() }()
			_, _, _ = o.do("panics", print("", nil), func() ([]byte, error) { panic("x") })
		}()
		do("panics")
		time.Sleep(time.Minute)
		do("new")
		if len(o.by) != 1 || len(o.order) != 1 {
			t.Errorf("%d, %d", len(o.by), len(o.order))
		}
	})
}
