package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// An interrupter says what an interrupt from the keyboard does: by default it
// ends the program in order, and a second one kills it.
type interrupter struct {
	mu      sync.Mutex
	handler context.CancelFunc
}

// catch makes the next interrupt call cancel instead, until the returned
// function is called.
func (i *interrupter) catch(cancel context.CancelFunc) (release func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handler = cancel
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.handler = nil
	}
}

// take returns the handler, once.
func (i *interrupter) take() context.CancelFunc {
	i.mu.Lock()
	defer i.mu.Unlock()
	h := i.handler
	i.handler = nil
	return h
}

// catchSignals calls cancel on SIGINT, SIGTERM and SIGHUP; the next one after
// that kills the process. A reader of stdout that goes away is no signal but a
// failed write, so that a verb still cleans up. The returned function ends the
// watching.
func (a *app) catchSignals(cancel context.CancelFunc) (stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case sig := <-signals:
				if h := a.interrupts.take(); h != nil && sig == os.Interrupt {
					h()
					continue
				}
				cancel()
				signal.Stop(signals)
				return
			case <-ended:
				return
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(ended)
		watching.Wait()
	}
}
