package cli

import (
	"errors"
	"fmt"
	"time"

	"samara/web/client"
)

// transfersCmd lists fetches and steers them.
type transfersCmd struct {
	List   transferListCmd   `cmd:"" default:"withargs" help:"List the transfers."`
	Pause  transferPauseCmd  `cmd:"" help:"Stop fetching, keep what is there."`
	Resume transferResumeCmd `cmd:"" help:"Go on after a pause or a failure."`
	Cancel transferCancelCmd `cmd:"" help:"Stop a transfer and forget it."`
}

// Help is the page of the verb itself.
func (*transfersCmd) Help() string {
	return helpText("Without a further word it lists.",
		"samara transfers\nsamara transfers --watch\nsamara transfers pause 5f3a", 3)
}

// transferListCmd lists.
type transferListCmd struct {
	Watch bool `help:"Go on listing until interrupted."`
}

// Help is the verb's page.
func (*transferListCmd) Help() string {
	return helpText(`Lists what is being fetched and what was. With --json one object a line.`,
		"samara transfers\nsamara transfers --watch --json\nsamara transfers pause 5f3a")
}

// pollEvery is how often a verb that waits asks the daemon.
const pollEvery = 200 * time.Millisecond

// Run lists once, or again and again.
func (c *transferListCmd) Run(a *app) error {
	return a.with(swarmUse(c.Watch), func(s *session) error {
		for {
			var list client.TransferList
			err := a.outlive(s, func() (err error) {
				list, err = client.Decode[client.TransferList](s.ListTransfers(a.ctx))
				return err
			})
			if err != nil {
				return err
			}
			if c.Watch && a.outTTY && !a.opts.JSON {
				fmt.Fprint(a.out, "\x1b[H\x1b[2J") // home, clear
			}
			if err := a.transfers(list.Transfers); err != nil || !c.Watch {
				return err
			}
			if err := a.sleep(time.Second); err != nil {
				return err
			}
		}
	})
}

// sleep waits, or returns early with the reason.
func (a *app) sleep(d time.Duration) error {
	select {
	case <-a.ctx.Done():
		return a.ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// transfers writes a table, or one object a line.
func (a *app) transfers(list []client.Transfer) error {
	rows := [][]string{{"ID", "STATE", "DONE", "PEERS", "RATE", "REFERENCE", "REASON"}}
	for _, t := range list {
		if a.opts.JSON {
			if err := a.json(t); err != nil {
				return err
			}
			continue
		}
		rate := "-"
		if t.DownRate > 0 {
			rate = size(int64(t.DownRate)) + "/s"
		}
		rows = append(rows, []string{t.Id, t.State, share(t), fmt.Sprint(t.Peers), rate, orDash(t.Reference), reason(t)})
	}
	if a.opts.JSON {
		return nil
	}
	if len(list) == 0 {
		a.hint("nothing is being fetched: samara add MAGNET")
		return nil
	}
	return a.table(rows)
}

// share is how much of a transfer is done: "41% of 1.2 GiB".
func share(t client.Transfer) string {
	if t.BytesTotal <= 0 {
		return "-"
	}
	return fmt.Sprintf("%d%% of %s", t.BytesDone*100/t.BytesTotal, size(t.BytesTotal))
}

// reason says why a transfer failed, is paused or waits.
func reason(t client.Transfer) string {
	if t.Error != nil {
		return t.Error.Message
	}
	return t.Reason
}

// transferIDs names one or more transfers.
type transferIDs struct {
	IDs []string `arg:"" name:"id" help:"Transfer, as the list names it."`
}

// each changes the named transfers and reports them.
func (c *transferIDs) each(a *app, change func(s *session, id string) (client.Transfer, error)) error {
	return a.with(noSwarm, func(s *session) error {
		var list []client.Transfer
		var failed error
		for _, id := range c.IDs {
			t, err := change(s, id)
			if err != nil {
				failed = err
				break
			}
			list = append(list, t)
		}
		if len(list) == 0 {
			return failed
		}
		return errors.Join(a.transfers(list), failed)
	})
}

type transferPauseCmd struct{ transferIDs }

// Help is the verb's page.
func (*transferPauseCmd) Help() string {
	return helpText("Stops fetching; what is there stays and is seeded.", "samara transfers pause 5f3a", 3)
}

// Run pauses.
func (c *transferPauseCmd) Run(a *app) error {
	return c.each(a, func(s *session, id string) (client.Transfer, error) {
		return client.Decode[client.Transfer](s.PauseTransfer(a.ctx, id))
	})
}

type transferResumeCmd struct{ transferIDs }

// Help is the verb's page.
func (*transferResumeCmd) Help() string {
	return helpText(`Goes on with a paused or failed transfer, in the running daemon. Without one, the transfer goes on when "samara serve" or the next "samara add" runs.`,
		"samara transfers resume 5f3a", 3)
}

// Run resumes.
func (c *transferResumeCmd) Run(a *app) error {
	return c.each(a, func(s *session, id string) (client.Transfer, error) {
		return client.Decode[client.Transfer](s.ResumeTransfer(a.ctx, id))
	})
}

type transferCancelCmd struct{ transferIDs }

// Help is the verb's page.
func (*transferCancelCmd) Help() string {
	return helpText("Stops a transfer, deletes what it fetched and forgets it. A version that it has brought already stays.",
		"samara transfers cancel 5f3a", 3)
}

// Run cancels and reports each as it was last.
func (c *transferCancelCmd) Run(a *app) error {
	return a.with(noSwarm, func(s *session) error {
		for _, id := range c.IDs {
			if err := client.Done(s.CancelTransfer(a.ctx, id)); err != nil {
				return err
			}
			if a.opts.JSON {
				if err := a.json(map[string]string{"canceled": id}); err != nil {
					return err
				}
				continue
			}
			a.say("canceled %s", id)
		}
		return nil
	})
}
