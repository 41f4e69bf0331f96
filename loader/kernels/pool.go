package kernels

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"samara/loader/weights"
)

// A Task is an operation cut into parts that may run at the same time.
type Task interface {
	// Do computes one part. It may use w until it returns.
	Do(w *Worker, part int)
}

// A Worker is one thread's memory: what a Task needs while it computes a part.
type Worker struct {
	scratch []float32
	tile    [tileRows][tileCols]float32
}

// Scratch is n float32 of any content, the worker's until Do returns.
func (w *Worker) Scratch(n int) []float32 {
	if cap(w.scratch) < n {
		// Attention asks for one more with every token.
		w.scratch = make([]float32, max(n, 2*cap(w.scratch)))
	}
	return w.scratch[:n]
}

// A Pool runs Tasks on a fixed number of threads: goroutines of its own and the
// caller's. Starting them costs well under a microsecond, because they spin for
// a while after each task before they park. Several goroutines may call Run;
// one task runs at a time.
type Pool struct {
	run     sync.Mutex // held by Run
	workers []Worker   // [threads]; the last is the caller's

	task  Task
	parts int
	// claim is the task's number in the upper half and the parts that nobody
	// has taken in the lower.
	claim   atomic.Uint64
	pending atomic.Int64 // parts not done
	failed  atomic.Pointer[failure]

	mu      sync.Mutex
	wake    *sync.Cond // there is a task, or the pool is closed
	done    *sync.Cond // pending is 0
	parked  atomic.Int32
	waiting atomic.Bool // the caller of Run has parked
	closed  atomic.Bool
	ended   sync.WaitGroup
}

// A failure is a panic in one part, handed to the caller of Run.
type failure struct{ value any }

const (
	// spins is how often a thread looks for what it waits for before it parks:
	// some tens of microseconds, longer than what lies between two operations.
	// A thread that spun on would take the core from the one it waits for,
	// where the system has other things to do.
	spins = 20000
	// yieldEvery is how many looks pass between letting other goroutines run.
	yieldEvery = 512
)

// NewPool starts a pool of the given number of threads, the caller's included:
// at least 1, at most GOMAXPROCS; 0 means GOMAXPROCS. Close ends it.
func NewPool(threads int) *Pool {
	most := runtime.GOMAXPROCS(0)
	if threads <= 0 || threads > most {
		threads = most
	}
	p := &Pool{workers: make([]Worker, threads)}
	p.wake, p.done = sync.NewCond(&p.mu), sync.NewCond(&p.mu)
	for i := range threads - 1 {
		p.ended.Go(func() { p.serve(&p.workers[i]) })
	}
	return p
}

// Threads is the number of threads.
func (p *Pool) Threads() int { return len(p.workers) }

// Run computes all parts of t and returns when they are done. A panic in a
// part, that of a read from lost memory included, goes on in the caller once
// no part runs any more.
func (p *Pool) Run(t Task, parts int) {
	if parts <= 0 {
		return
	}
	p.run.Lock()
	defer p.run.Unlock()
	p.task, p.parts = t, parts
	p.pending.Store(int64(parts))
	number := p.claim.Load()>>32 + 1
	p.claim.Store(number<<32 | uint64(uint32(parts)))
	if parts > 1 && p.parked.Load() > 0 {
		p.mu.Lock()
		p.wake.Broadcast()
		p.mu.Unlock()
	}
	mine := &p.workers[len(p.workers)-1]
	for p.takePart(mine) {
	}
	p.awaitDone()
	p.task = nil
	if f := p.failed.Swap(nil); f != nil {
		panic(f.value)
	}
}

// Close ends the threads and waits for them. Nobody may be in Run.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.mu.Lock()
	p.wake.Broadcast()
	p.mu.Unlock()
	p.ended.Wait()
}

// serve takes parts until the pool is closed.
func (p *Pool) serve(w *Worker) {
	weights.PanicOnFault()
	for p.await() {
		for p.takePart(w) {
		}
	}
}

// takePart computes one part, or returns false where none is left.
func (p *Pool) takePart(w *Worker) bool {
	for {
		c := p.claim.Load()
		left := uint32(c)
		if left == 0 {
			return false
		}
		if p.claim.CompareAndSwap(c, c-1) {
			// The task cannot end before this part does: its fields are steady.
			p.do(w, p.parts-int(left))
			return true
		}
	}
}

// do computes one part and accounts for it, whatever happens.
func (p *Pool) do(w *Worker, part int) {
	defer p.finish()
	defer p.catch()
	p.task.Do(w, part)
}

// finish counts a part as done and tells the caller of Run about the last.
func (p *Pool) finish() {
	if p.pending.Add(-1) == 0 && p.waiting.Load() {
		p.mu.Lock()
		p.done.Signal()
		p.mu.Unlock()
	}
}

// catch keeps the first panic for the caller of Run.
func (p *Pool) catch() {
	v := recover()
	if v == nil {
		return
	}
	if _, fault := v.(interface{ Addr() uintptr }); !fault {
		v = fmt.Sprintf("kernels: %v\n%s", v, debug.Stack())
	}
	p.failed.CompareAndSwap(nil, &failure{v})
}

// await returns when there may be parts to take, or false once closed.
func (p *Pool) await() bool {
	if !spin(func() bool { return !p.idle() }) {
		p.mu.Lock()
		p.parked.Add(1)
		for p.idle() {
			p.wake.Wait()
		}
		p.parked.Add(-1)
		p.mu.Unlock()
	}
	return !p.closed.Load()
}

// awaitDone returns when every part of the task is done.
func (p *Pool) awaitDone() {
	if spin(func() bool { return p.pending.Load() == 0 }) {
		return
	}
	p.mu.Lock()
	p.waiting.Store(true)
	for p.pending.Load() > 0 {
		p.done.Wait()
	}
	p.waiting.Store(false)
	p.mu.Unlock()
}

// spin looks for a condition for a while, letting other goroutines run now and
// then. It returns false where it did not come.
func spin(ready func() bool) bool {
	for i := 1; i < spins; i++ {
		if ready() {
			return true
		}
		if i%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
	return false
}

// idle tells whether there is nothing to do, not even to end.
func (p *Pool) idle() bool {
	return uint32(p.claim.Load()) == 0 && !p.closed.Load()
}
