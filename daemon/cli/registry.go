package cli

import (
	"fmt"

	"github.com/google/renameio/v2"

	"samara/registry"
	"samara/web/client"
)

// lsCmd lists tags.
type lsCmd struct {
	Prefix string `arg:"" optional:"" help:"Only references that start so."`
}

// Help is the verb's page.
func (*lsCmd) Help() string {
	return helpText(`Lists every tag with the version that it names. With --json one object a line.`,
		"samara ls\nsamara ls me/ --json")
}

// page is how many versions one request asks for.
const page = 500

// Run lists page after page.
func (c *lsCmd) Run(a *app) error {
	rows := [][]string{{"REFERENCE", "VERSION", "SIZE", "FORMAT", "ARCHITECTURE", "PARAMETERS", "QUANTIZATION", "STATE"}}
	err := a.with(noSwarm, func(s *session) error {
		p := client.ListVersionsParams{Limit: page, Prefix: c.Prefix}
		for {
			list, err := client.Decode[client.VersionList](s.ListVersions(a.ctx, &p))
			if err != nil {
				return err
			}
			for _, v := range list.Versions {
				if a.opts.JSON {
					if err := a.json(v); err != nil {
						return err
					}
					continue
				}
				rows = append(rows, []string{
					v.Reference, short(v.Version), size(v.Bytes), orDash(v.Format),
					orDash(v.Architecture), orDash(count(v.Parameters)), orDash(v.Quantization), v.State,
				})
			}
			if list.Next == "" {
				return nil
			}
			p.After = list.Next
		}
	})
	if err != nil || a.opts.JSON {
		return err
	}
	if len(rows) == 1 {
		a.hint("nothing here yet: samara publish PATH --name NS/NAME, or samara add MAGNET")
		return nil
	}
	return a.table(rows)
}

// showCmd tells everything about one version.
type showCmd struct {
	Ref     string `arg:"" help:"Reference, by tag or by digest."`
	Torrent string `help:"Write the version's .torrent to this file instead." placeholder:"FILE"`
}

// Help is the verb's page.
func (*showCmd) Help() string {
	return helpText(`Prints what is known of a version: digest, files, magnet, format, size in memory. With --torrent it writes the .torrent file.`,
		"samara show me/tiny\nsamara show me/tiny@blake3:9f1203ab --json\nsamara show me/tiny --torrent tiny.torrent", 3)
}

// Run shows.
func (c *showCmd) Run(a *app) error {
	if c.Torrent != "" {
		return a.with(noSwarm, func(s *session) error { return c.torrent(a, s) })
	}
	v, err := a.version(c.Ref)
	if err != nil {
		return err
	}
	if a.opts.JSON {
		return a.json(v)
	}
	contextLength := ""
	if v.ContextLength > 0 {
		contextLength = fmt.Sprintf("%d tokens", v.ContextLength)
	}
	memory := ""
	if v.Memory > 0 {
		memory = size(v.Memory)
	}
	origin := ""
	if v.FirstSeen {
		origin = "first seen: the torrent named no digests, they were computed here"
	}
	err = a.pairs(
		[2]string{"reference", v.Reference}, [2]string{"version", v.Version},
		[2]string{"size", size(v.Bytes) + " in " + plural(len(v.Files), "file")},
		[2]string{"format", v.Format}, [2]string{"layout", v.Layout}, [2]string{"architecture", v.Architecture},
		[2]string{"parameters", count(v.Parameters)}, [2]string{"quantization", v.Quantization},
		[2]string{"context", contextLength}, [2]string{"tokenizer", v.Tokenizer}, [2]string{"memory", memory},
		[2]string{"license", v.License}, [2]string{"trust", v.Trust}, [2]string{"origin", origin},
		[2]string{"state", v.State}, [2]string{"infohash", v.Infohash}, [2]string{"magnet", v.Magnet})
	if err != nil {
		return err
	}
	a.blank()
	return a.files(v.Files)
}

// version asks for one version.
func (a *app) version(ref string) (v client.VersionDetail, err error) {
	err = a.with(noSwarm, func(s *session) error {
		v, err = client.Decode[client.VersionDetail](s.GetVersion(a.ctx, &client.GetVersionParams{Ref: ref}))
		return err
	})
	return v, err
}

// maxTorrent bounds a .torrent file.
const maxTorrent = 32 << 20

// torrent writes the .torrent file, whole or not at all.
func (c *showCmd) torrent(a *app, s *session) error {
	text, err := client.Bytes(s.GetTorrent(a.ctx, &client.GetTorrentParams{Ref: c.Ref}))
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(c.Torrent, text, 0o644); err != nil {
		return writeFailed(c.Torrent, err)
	}
	if a.opts.JSON {
		return a.json(map[string]any{"torrent": c.Torrent, "bytes": len(text)})
	}
	a.note("wrote %s (%s)", c.Torrent, size(int64(len(text))))
	return nil
}

// filesCmd lists a version's files.
type filesCmd struct {
	Ref string `arg:"" help:"Reference."`
}

// Help is the verb's page.
func (*filesCmd) Help() string {
	return helpText(`Lists the files of a version with their sizes and BLAKE3 digests, as b3sum prints them. With --json one object a line.`,
		"samara files me/tiny", 3)
}

// Run lists.
func (c *filesCmd) Run(a *app) error {
	v, err := a.version(c.Ref)
	if err != nil {
		return err
	}
	if !a.opts.JSON {
		return a.files(v.Files)
	}
	for _, f := range v.Files {
		if err := a.json(f); err != nil {
			return err
		}
	}
	return nil
}

// files writes a table of files.
func (a *app) files(files []client.File) error {
	rows := [][]string{{"SIZE", "DIGEST", "PATH"}}
	for _, f := range files {
		path := f.Path
		if f.Missing {
			path += " (not fetched)"
		}
		rows = append(rows, []string{size(f.Size), orDash(f.Digest), path})
	}
	return a.table(rows)
}

// tagCmd names a version.
type tagCmd struct {
	Target string `arg:"" help:"Version to name, by tag or digest."`
	Name   string `arg:"" help:"The new name: ns/name[:tag]."`
	Move   bool   `help:"Take the name from another version."`
}

// Help is the verb's page.
func (*tagCmd) Help() string {
	return helpText(`Gives a version a further name. A name that another version has is taken only with --move.`,
		"samara tag me/tiny me/tiny:v1\nsamara tag me/tiny@blake3:9f1203ab me/tiny:main --move", 3)
}

// Run tags.
func (c *tagCmd) Run(a *app) error {
	return a.with(noSwarm, func(s *session) error {
		v, err := client.Decode[client.Version](s.TagVersion(a.ctx,
			client.TagRequest{Target: c.Target, Name: c.Name, Move: c.Move}))
		if err != nil {
			return err
		}
		if a.opts.JSON {
			return a.json(v)
		}
		a.say("%s is %s", v.Reference, v.Version)
		return nil
	})
}

// rmCmd removes names.
type rmCmd struct {
	Refs []string `arg:"" name:"ref" help:"Tags, or versions by digest."`
}

// Help is the verb's page.
func (*rmCmd) Help() string {
	return helpText(`Removes a tag, or by digest a version with all its tags. The bytes stay until "samara gc".`,
		"samara rm me/tiny:v1\nsamara rm me/tiny@blake3:9f1203ab && samara gc", 3)
}

// Run removes one after the other and stops at the first error.
func (c *rmCmd) Run(a *app) error {
	return a.with(noSwarm, func(s *session) error {
		for _, ref := range c.Refs {
			if err := client.Done(s.RemoveVersion(a.ctx, &client.RemoveVersionParams{Ref: ref})); err != nil {
				return err
			}
			if r, err := registry.ParseReference(ref); err == nil {
				ref = r.String() // with its tag
			}
			if a.opts.JSON {
				if err := a.json(map[string]string{"removed": ref}); err != nil {
					return err
				}
				continue
			}
			a.say("removed %s", ref)
		}
		a.hint("samara gc frees the bytes that no version names")
		return nil
	})
}

// gcCmd frees bytes.
type gcCmd struct {
	DryRun bool      `help:"Only say what would be deleted."`
	Grace  *duration `help:"Keep what is younger." placeholder:"1h"`
}

// Help is the verb's page.
func (*gcCmd) Help() string {
	return helpText(`Deletes the bytes that no tag leads to, and that no transfer needs. What is younger than --grace stays.`,
		"samara gc --dry-run\nsamara gc")
}

// Run collects.
func (c *gcCmd) Run(a *app) error {
	req := client.GCRequest{DryRun: c.DryRun}
	if c.Grace != nil {
		seconds := c.Grace.seconds()
		req.GraceSeconds = &seconds
	}
	return a.with(noSwarm, func(s *session) error {
		r, err := client.Decode[client.GCResult](s.CollectGarbage(a.ctx, req))
		if err != nil {
			return err
		}
		if a.opts.JSON {
			return a.json(r)
		}
		verb := "deleted"
		if r.DryRun {
			verb = "would delete"
		}
		a.say("%s %s and %s, %s", verb, plural(r.Versions, "version"), plural(r.Blobs, "file"), size(r.Bytes))
		if c.Grace == nil {
			a.hint("what is younger than an hour stays; samara gc --grace 0s takes it too")
		}
		return nil
	})
}
