package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"samara/registry"
	"samara/web/client"
)

// logCmd shows the journal.
type logCmd struct {
	Ref   string `arg:"" optional:"" help:"Only entries about this reference."`
	Limit int    `default:"100" help:"At most so many, the newest first."`
}

// Help is the verb's page.
func (*logCmd) Help() string {
	return helpText(`Shows what happened, the newest first: versions added, tags moved, bytes deleted. With --json one entry a line.`,
		"samara log\nsamara log me/tiny --json", 3)
}

// Run lists.
func (c *logCmd) Run(a *app) error {
	return a.with(noSwarm, func(s *session) error {
		l, err := client.Decode[client.Log](s.GetLog(a.ctx, &client.GetLogParams{Ref: c.Ref, Limit: c.Limit}))
		if err != nil {
			return err
		}
		if c.Ref != "" && len(l.Entries) == 0 {
			_, err := client.Decode[client.VersionDetail](s.GetVersion(a.ctx, &client.GetVersionParams{Ref: c.Ref}))
			if err != nil {
				return err
			}
		}
		rows := [][]string{{"SEQ", "TIME", "WHAT", "WHO", "DATA"}}
		for _, e := range l.Entries {
			if a.opts.JSON {
				if err := a.json(e); err != nil {
					return err
				}
				continue
			}
			data, err := json.Marshal(e.Data)
			if err != nil {
				return fmt.Errorf("show entry %d: %w", e.Seq, err)
			}
			rows = append(rows, []string{fmt.Sprint(e.Seq), e.Time.Local().Format(time.DateTime), e.Op, e.Actor, string(data)})
		}
		if a.opts.JSON {
			return nil
		}
		return a.table(rows)
	})
}

// psCmd lists what is loaded.
type psCmd struct{}

// Help is the verb's page.
func (*psCmd) Help() string {
	return helpText(`Lists the models that the daemon holds in memory. With --json one object a line.`, "samara ps")
}

// Run lists.
func (*psCmd) Run(a *app) error {
	return a.with(noSwarm, func(s *session) error {
		l, err := client.Decode[client.EngineList](s.ListEngine(a.ctx))
		if err != nil {
			return err
		}
		rows := [][]string{{"REFERENCE", "STATE", "MEMORY", "CONTEXT", "ACTIVE", "LAST USED"}}
		for _, m := range l.Models {
			if a.opts.JSON {
				if err := a.json(m); err != nil {
					return err
				}
				continue
			}
			used := "-"
			if !m.LastUsed.IsZero() {
				used = m.LastUsed.Local().Format(time.TimeOnly)
			}
			rows = append(rows, []string{m.Reference, m.State, size(m.Memory), fmt.Sprint(m.ContextLength), fmt.Sprint(m.Active), used})
		}
		if a.opts.JSON || len(rows) == 1 {
			return nil
		}
		return a.table(rows)
	})
}

// loginCmd makes a link for the browser.
type loginCmd struct{}

// Help is the verb's page.
func (*loginCmd) Help() string {
	return helpText(`Prints a link that logs one browser in to the running daemon's page, once. With --json: {"url", "expires"}.`,
		"samara login")
}

// Run asks for the link.
func (*loginCmd) Run(a *app) error {
	return a.withRunning("login", func(s *session) error {
		l, err := client.Decode[client.LoginLink](s.CreateLoginLink(a.ctx))
		if err != nil {
			return err
		}
		if a.opts.JSON {
			return a.json(l)
		}
		a.say("%s", l.Url)
		return nil
	})
}

// doctorCmd checks the folder and the machine.
type doctorCmd struct {
	Rebuild bool `xor:"how" help:"Make the index again from the journal, manifests, torrents and blobs."`
	Ready   bool `xor:"how" help:"Ask a daemon that runs already, and start none: a health check."`
}

// Help is the verb's page.
func (*doctorCmd) Help() string {
	return helpText(`Says whether the data folder is sound and what this machine can do; exit status 1 where a check fails. --rebuild makes the index again first, and needs the folder for itself. --ready is a health check: exit status 5 where no daemon runs. With --json: {"ok", "checks": [{"name", "status", "detail", "hint"}]}.`,
		"samara doctor\nsamara doctor --rebuild\nsamara doctor --ready")
}

// Run checks.
func (c *doctorCmd) Run(a *app) error {
	if c.Rebuild {
		if a.opts.Server != "" {
			return usage("doctor: --rebuild works on this machine's folder, and --server is another", "drop --server")
		}
		data, err := localPath(a.opts.Data)
		if err != nil {
			return err
		}
		if err := registry.Rebuild(a.ctx, data, registry.Options{}); err != nil {
			return err
		}
		a.note("the index is made again")
	}
	if c.Ready {
		return a.withRunning("doctor", a.reportChecks)
	}
	return a.with(noSwarm, a.reportChecks)
}

// reportChecks asks for the checks and shows them; one that fails is exit
// status 1.
func (a *app) reportChecks(s *session) error {
	r, err := client.Decode[client.DoctorReport](s.Doctor(a.ctx))
	if err != nil {
		return err
	}
	if a.opts.JSON {
		err = a.json(r)
	} else {
		rows := [][]string{{"CHECK", "STATUS", "DETAIL"}}
		for _, c := range r.Checks {
			rows = append(rows, []string{c.Name, c.Status, c.Detail})
		}
		err = a.table(rows)
		for _, c := range r.Checks {
			if c.Hint != "" {
				a.note("samara: hint: %s: %s", c.Name, c.Hint)
			}
		}
	}
	if err == nil && !r.Ok {
		err = errSilent(1)
	}
	return err
}

// versionCmd prints what this program is.
type versionCmd struct{}

// Help is the verb's page.
func (*versionCmd) Help() string {
	return helpText(`Prints version, commit, Go version and platform. With --json as an object.`, "samara version --json")
}

// Run prints.
func (*versionCmd) Run(a *app) error {
	b := buildInfo()
	if a.opts.JSON {
		return a.json(b)
	}
	a.say("%s", b)
	return nil
}
