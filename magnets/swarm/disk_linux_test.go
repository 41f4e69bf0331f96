package swarm

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of size bytes, or skips.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// A disk that is too small is noticed before the first byte comes, and
// nothing is left of the attempt.
func TestDiskTooSmall(t *testing.T) {
	r := newRelease(t, 64<<10, 1_000_000, 3_000_000)
	dir := smallDisk(t, "2m")
	s := newSwarm(t, dir)
	tor, err := s.Add(t.Context(), Spec{Info: r.info.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	var full *DiskFullError
	if err := tor.Start(t.Context(), layout(r.info)); !errors.As(err, &full) || full.Code() != "disk_full" {
		t.Fatalf("start: %v", err)
	}
	for i := range r.info.Files {
		if _, err := os.Stat(filepath.Join(dir, r.info.InfoHash.String(), string(rune('0'+i)))); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("file %d is left: %v", i, err)
		}
	}
	if err := tor.Start(t.Context(), layout(r.info, 1)); err != nil {
		t.Errorf("start without the large file: %v", err)
	}
}

// A disk that fills up on the way pauses the transfer with the reason, and
// the transfer goes on once there is room.
func TestDiskFillsUp(t *testing.T) {
	r := newRelease(t, 64<<10, 1_000_000, 3_000_000)
	from, _ := seed(t, r)
	dir := smallDisk(t, "3m")
	s := newSwarm(t, dir)
	tor, err := s.Add(t.Context(), Spec{Info: r.info.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	if err := tor.Start(t.Context(), layout(r.info, 1)); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("fill: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	tor.AddPeers([]string{from.Addr()})
	var full *DiskFullError
	eventually(t, "the transfer stops with the reason", func() bool { return errors.As(tor.Trouble(), &full) })
	if st := tor.Stats(); st.State != StatePaused {
		t.Errorf("state %s", st.State)
	}
	select {
	case <-tor.Done():
		t.Error("done on a full disk")
	default:
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	tor.Resume()
	if err := tor.Trouble(); err != nil {
		t.Errorf("trouble after resume: %v", err)
	}
	waitDone(t, tor)
	checkFiles(t, r, tor)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
