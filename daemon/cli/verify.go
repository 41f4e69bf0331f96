package cli

import (
	"fmt"

	"samara/web/client"
)

// verifyCmd checks a version's bytes.
type verifyCmd struct {
	Ref string `arg:"" help:"Reference."`
}

// Help is the verb's page.
func (*verifyCmd) Help() string {
	return helpText(`Reads every byte of a version again and compares it with its digests, on all cores. With --json: {"reference", "ok", "bad": [{"path", "offset", "length"}]}.`,
		"samara verify me/tiny\nsamara verify me/tiny --json", 3, 4)
}

// Run verifies; bad bytes are exit status 4.
func (c *verifyCmd) Run(a *app) error {
	return a.with(noSwarm, func(s *session) error {
		r, err := a.verify(s, c.Ref)
		if err != nil {
			return err
		}
		if a.opts.JSON {
			if err := a.json(r); err != nil {
				return err
			}
			if !r.Ok {
				return errSilent(client.NewError("", client.CodeVerification, "").ExitStatus())
			}
			return nil
		}
		for _, b := range r.Bad {
			a.say("%s: bytes %d-%d are not what their digest says", b.Path, b.Offset, b.Offset+b.Length-1)
		}
		if !r.Ok {
			return client.NewError("verify", client.CodeVerification,
				fmt.Sprintf("verify %s: %s of bytes are not what the digests say", r.Reference, plural(len(r.Bad), "range"))).
				WithHint(fmt.Sprintf(`"samara show %s" prints its magnet; adding that fetches the bad files again`, r.Reference))
		}
		a.say("%s: every byte is what its digest says (%s in %s)", r.Reference, size(r.Bytes), took(seconds(r.Seconds)))
		return nil
	})
}

// verify follows the daemon's progress to the report.
func (a *app) verify(s *session, ref string) (*client.VerifyReport, error) {
	events, err := client.Stream[client.VerifyEvent](s.VerifyVersion(a.ctx, client.VerifyRequest{Ref: ref}))
	if err != nil {
		return nil, err
	}
	bar := a.progress()
	defer bar.clear()
	for e, err := range events {
		switch {
		case err != nil:
			return nil, err
		case e.Error != nil:
			return nil, e.Error
		case e.Result != nil:
			return e.Result, nil
		}
		bar.set("verifying", e.BytesDone, e.BytesTotal)
	}
	return nil, errNoResult
}
