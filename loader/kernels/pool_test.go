package kernels

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter counts how often each part is done.
type counter struct{ done []atomic.Int32 }

func (c *counter) Do(w *Worker, part int) {
	w.Scratch(10)[9] = float32(part)
	c.done[part].Add(1)
}

// TestPool runs many tasks from several goroutines: every part of each must be
// done exactly once, also after the threads have parked.
func TestPool(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	var callers sync.WaitGroup
	for range 3 {
		callers.Go(func() {
			for round := range 400 {
				c := counter{done: make([]atomic.Int32, round%37)}
				p.Run(&c, len(c.done))
				for i := range c.done {
					if n := c.done[i].Load(); n != 1 {
						t.Errorf("part %d of %d: done %d times, want once", i, len(c.done), n)
					}
				}
				if round%100 == 0 {
					time.Sleep(2 * time.Millisecond) // long enough to park
				}
			}
		})
	}
	callers.Wait()
}

// bomb panics in one part.
type bomb struct{ counter }

func (b *bomb) Do(w *Worker, part int) {
	b.counter.Do(w, part)
	if part == 5 {
		panic("boom")
	}
}

// TestPoolPanic wants the panic in the caller, all other parts done, and a
// pool that still works.
func TestPoolPanic(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	b := bomb{counter{done: make([]atomic.Int32, 20)}}
	func() {
		defer func() {
			if got, ok := recover().(string); !ok || !strings.Contains(got, "boom") {
				t.Errorf("got panic %q, want boom", got)
			}
		}()
		p.Run(&b, 20)
	}()
	for i := range b.done {
		if b.done[i].Load() != 1 {
			t.Errorf("part %d was not done", i)
		}
	}
	c := counter{done: make([]atomic.Int32, 3)}
	p.Run(&c, 3)
}

func TestPoolAllocates(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	c := counter{done: make([]atomic.Int32, 64)}
	p.Run(&c, 64)
	if n := testing.AllocsPerRun(100, func() { p.Run(&c, 64) }); n != 0 {
		t.Errorf("got %v allocations per task, want 0", n)
	}
}

func BenchmarkPool(b *testing.B) {
	p := NewPool(0)
	defer p.Close()
	c := counter{done: make([]atomic.Int32, 2)}
	for b.Loop() {
		p.Run(&c, 2)
	}
}
