package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/klauspost/cpuid/v2"

	"samara/registry/disk"
	"samara/web"
)

// What a check of the machine may say.
const (
	checkOK   = "ok"
	checkWarn = "warn" // works, with a limit that its reader should know
	checkFail = "fail"
)

// system is the Daemon as web.System sees it.
type system struct{ *Daemon }

// Info says which build runs here and where it listens.
func (d system) Info(context.Context) web.SystemInfo {
	i := web.SystemInfo{
		Version: d.cfg.Build.Version,
		Commit:  d.cfg.Build.Commit,
		Go:      runtime.Version(),
		Os:      runtime.GOOS,
		Arch:    runtime.GOARCH,
		Pid:     os.Getpid(),
		Started: d.started,
		Data:    d.cfg.Data,
		Listen:  d.Addr(),
		Swarm:   d.SwarmAddr(),
		Url:     d.URL(),
		Dht:     d.cfg.DHT,
		Airgap:  d.cfg.Airgap,
	}
	if space, err := disk.SpaceOf(d.cfg.Data); err == nil {
		i.DiskFree = int64(space.Free) //nolint:gosec // no disk has 8 EiB
	}
	return i
}

// Ready returns the checks of /readyz.
func (d system) Ready(context.Context) []web.Check {
	return []web.Check{d.checkFolder(), d.checkDisk(), d.checkSwarm(), d.checkEngine()}
}

// Doctor looks at the folder and the machine more closely.
func (d system) Doctor(ctx context.Context) (web.DoctorReport, error) {
	checks := append(d.Ready(ctx), d.checkJournal(), d.checkBlobs(ctx), d.checkQuarantine(), d.checkReflink(), d.checkHTTP(), checkCPU())
	r := web.DoctorReport{Checks: checks, Ok: true}
	for _, c := range checks {
		r.Ok = r.Ok && c.Status != checkFail
	}
	return r, ctx.Err()
}

// checkFolder tries to write where blobs will be written.
func (d *Daemon) checkFolder() web.Check {
	c := web.Check{Name: "data folder", Status: checkOK, Detail: d.cfg.Data}
	f, err := d.store.Blobs().NewTemp()
	if err != nil {
		c.Status, c.Detail = checkFail, err.Error()
		return c
	}
	if err := os.Remove(f.Name()); err != nil {
		c.Status, c.Detail = checkFail, err.Error()
	}
	if err := f.Close(); err != nil {
		c.Status, c.Detail = checkFail, err.Error()
	}
	return c
}

// checkDisk says how much room there is beside the reserve.
func (d *Daemon) checkDisk() web.Check {
	c := web.Check{Name: "disk", Status: checkOK}
	space, err := disk.SpaceOf(d.cfg.Data)
	if err != nil {
		c.Status, c.Detail = checkFail, err.Error()
		return c
	}
	c.Detail = fmt.Sprintf("%s free of %s", humanize.IBytes(space.Free), humanize.IBytes(space.Total))
	if err := d.store.CheckRoom(0); err != nil {
		c.Status, c.Detail = checkWarn, err.Error()
		c.Hint = `nothing is fetched until there is room; "samara rm" and "samara gc" make some`
	}
	return c
}

func (d *Daemon) checkSwarm() web.Check {
	c := web.Check{Name: "swarm", Status: checkOK}
	switch {
	case !d.swarm.on():
		c.Detail = "not started"
	case d.SwarmAddr() == "":
		c.Detail = "dials out, accepts nobody"
	default:
		c.Detail = "listens on " + d.SwarmAddr()
	}
	return c
}

// checkEngine says what stands between a model's bytes and the daemon.
func (d *Daemon) checkEngine() web.Check {
	return web.Check{
		Name: "engine", Status: checkWarn,
		Detail: fmt.Sprintf("models run in the daemon's own process, without a sandbox; they may take %s",
			humanize.IBytes(uint64(d.engine.budget))), //nolint:gosec // checked to be positive
	}
}

// checkJournal reads what happened, with its hash chain.
func (d *Daemon) checkJournal() web.Check {
	c := web.Check{Name: "journal", Status: checkOK, Detail: "every entry follows from the one before"}
	if err := d.store.Journal().Verify(); err != nil {
		c.Status, c.Detail = checkFail, err.Error()
		c.Hint = "the journal was changed or damaged: restore the folder from a backup"
		return c
	}
	if n := d.store.Journal().Cut(); n > 0 {
		c.Status = checkWarn
		c.Detail = fmt.Sprintf("its last line was unfinished: %d bytes of it were cut off when the daemon started", n)
		c.Hint = `what that line said has not happened: "samara log" shows the last that did`
	}
	return c
}

// lostShown is how many lost files a check names.
const lostShown = 3

// checkBlobs looks for the files that versions name. It reads none of them.
func (d *Daemon) checkBlobs(ctx context.Context) web.Check {
	c := web.Check{Name: "blobs", Status: checkOK, Detail: "the files of every version are there"}
	files, count, err := d.catalog.lost(ctx, lostShown)
	switch {
	case err != nil:
		c.Status, c.Detail = checkFail, err.Error()
	case count > 0:
		c.Status = checkFail
		c.Detail = fmt.Sprintf("files gone or damaged: %d (%s", count, strings.Join(files, ", "))
		if count > len(files) {
			c.Detail += ", …"
		}
		c.Detail += ")"
		c.Hint = "add the link of each version, or publish its folder, again; \"samara show\" prints its magnet"
	}
	return c
}

// checkQuarantine counts what failed a check.
func (d *Daemon) checkQuarantine() web.Check {
	c := web.Check{Name: "quarantine", Status: checkOK, Detail: "empty"}
	dir := filepath.Join(d.cfg.Data, "quarantine")
	entries, err := os.ReadDir(dir)
	if err != nil {
		c.Status, c.Detail = checkFail, err.Error()
		return c
	}
	if len(entries) > 0 {
		c.Status = checkWarn
		c.Detail = fmt.Sprintf("%d files in %s", len(entries), dir)
		c.Hint = "read the .reason beside each file, then delete both"
	}
	return c
}

// checkReflink tries whether files can share their blocks here.
func (d *Daemon) checkReflink() web.Check {
	c := web.Check{Name: "reflink", Status: checkOK, Detail: "publishing takes no second copy on this file system"}
	shared, err := d.tryReflink()
	switch {
	case err != nil:
		c.Status, c.Detail = checkFail, err.Error()
	case !shared:
		c.Status, c.Detail = checkWarn, "this file system cannot share blocks: publishing copies"
		c.Hint = "put the data folder on btrfs or xfs to save the copy"
	}
	return c
}

func (d *Daemon) tryReflink() (shared bool, err error) {
	var files [2]*os.File
	for i := range files {
		f, err := d.store.Blobs().NewTemp()
		if err != nil {
			return false, err
		}
		defer f.Close()
		defer os.Remove(f.Name()) //nolint:errcheck // the next start removes what stays
		files[i] = f
	}
	if _, err := files[0].Write(make([]byte, chunkSize)); err != nil {
		return false, err
	}
	return d.store.Blobs().Clone(files[0], files[1])
}

func (d *Daemon) checkHTTP() web.Check {
	c := web.Check{Name: "http", Status: checkOK, Detail: "answers on " + d.SocketPath() + " only"}
	if d.tcp != nil {
		c.Detail = "answers on " + d.URL() + " and " + d.SocketPath()
	}
	if d.cfg.NoAuth {
		c.Status, c.Hint = checkWarn, "every program on this machine is admin: drop --no-auth"
	}
	return c
}

// checkCPU names the features that kernels can use.
func checkCPU() web.Check {
	wanted := []cpuid.FeatureID{
		cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F, cpuid.AVX512VNNI, cpuid.AVX512BF16,
		cpuid.AMXINT8, cpuid.AMXBF16, cpuid.SHA, cpuid.ASIMD, cpuid.ASIMDDP,
	}
	var have []string
	for _, f := range wanted {
		if cpuid.CPU.Has(f) {
			have = append(have, f.String())
		}
	}
	return web.Check{
		Name: "cpu", Status: checkOK,
		Detail: fmt.Sprintf("%s, %d threads: %s", cpuid.CPU.BrandName, runtime.NumCPU(), strings.Join(have, " ")),
	}
}
