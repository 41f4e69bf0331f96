package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"samara/web/client"
)

// publishCmd makes a version of files on this machine.
type publishCmd struct {
	Path        string   `arg:"" help:"Folder or file."`
	Name        string   `required:"" help:"What the version is called: ns/name[:tag]." placeholder:"NAME"`
	Tracker     []string `help:"Tracker to put into the torrent." placeholder:"URL" sep:"none"`
	Webseed     []string `help:"Web seed to put into the torrent." placeholder:"URL" sep:"none"`
	Private     bool     `help:"Set the private flag: peers come from trackers only."`
	NoSeed      bool     `help:"Store without seeding."`
	FollowLinks bool     `help:"Follow links that leave the folder."`
	Move        bool     `help:"Take the name from another version."`
}

// Help is the verb's page.
func (*publishCmd) Help() string {
	return helpText(`
Reads every byte once, stores the files under their BLAKE3 digests (sharing blocks with the source where the file system can), makes the torrent and prints its magnet. The source stays as it is. The same folder under the same name gives the same magnet on every machine. Names that start with a dot are left out.

A running daemon seeds it from then on; without one, "samara serve" does. With --json: {"reference", "version", "magnet", "infohash", "files", "bytes"}.`,
		`
samara publish ./tiny --name me/tiny
samara publish ./smollm2.gguf --name me/smollm2:q4 --tracker udp://tracker.example:6969 --json`, 3, 4)
}

// Run publishes with progress.
func (c *publishCmd) Run(a *app) error {
	if a.opts.Server != "" {
		return usage("publish: a path names files of this machine, and --server is another",
			"publish here, then add the magnet there")
	}
	path, err := localPath(c.Path)
	if err != nil {
		return err
	}
	return a.with(noSwarm, func(s *session) error {
		r, err := a.publish(s, client.PublishRequest{
			Path: path, Name: c.Name, Trackers: c.Tracker, WebSeeds: c.Webseed,
			Private: c.Private, NoSeed: c.NoSeed, FollowLinks: c.FollowLinks, Move: c.Move,
		})
		if err != nil {
			return err
		}
		if err := a.warnUnreadable(s, r); err != nil {
			return err
		}
		if a.opts.JSON {
			return a.json(r)
		}
		how := "copied"
		if r.Reflinked {
			how = "sharing the source's blocks"
		}
		a.note("%s %s: %s, %s, %s", r.Reference, short(r.Version), plural(r.Files, "file"), size(r.Bytes), how)
		a.say("%s", r.Magnet)
		if (s.embedded != nil || s.passing) && !c.NoSeed {
			a.hint("samara serve seeds it")
		}
		return nil
	})
}

// warnUnreadable tells that what looks like weights cannot be run, before
// anybody fetches it.
func (a *app) warnUnreadable(s *session, r *client.PublishResult) error {
	v, err := client.Decode[client.VersionDetail](s.GetVersion(a.ctx, &client.GetVersionParams{Ref: r.Reference}))
	if err != nil {
		return err
	}
	for _, f := range v.Files {
		if v.Format == "other" && slices.Contains(weightSuffixes, strings.ToLower(filepath.Ext(f.Path))) {
			a.warn("%s holds weights that cannot be run; samara run %s hello says why", r.Reference, r.Reference)
			break
		}
	}
	return nil
}

// publish follows the daemon's progress to the result.
func (a *app) publish(s *session, req client.PublishRequest) (*client.PublishResult, error) {
	events, err := client.Stream[client.PublishEvent](s.Publish(a.ctx, req))
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
		bar.set(e.Stage, e.BytesDone, e.BytesTotal)
	}
	return nil, errNoResult
}

// errNoResult is a stream that ended before it said how it went.
var errNoResult = client.NewError("", client.CodeUnavailable, "the daemon stopped answering before the end")
