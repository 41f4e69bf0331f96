package weights

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"
)

func mapped(t *testing.T, files []File) *Directory {
	t.Helper()
	h, err := ReadHeader(files)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Map(h)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMap(t *testing.T) {
	d := mapped(t, onDisk(t, map[string][]byte{"m.gguf": soundGGUF().bytes()}))
	for name, want := range map[string][]byte{"a": bytes.Repeat([]byte{1}, 24), "b": bytes.Repeat([]byte{2}, 68), "c": bytes.Repeat([]byte{3}, 10)} {
		if got := d.Tensors[name].Data; !bytes.Equal(got, want) {
			t.Errorf("tensor %s: got %v, want %v", name, got, want)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := d.Acquire(); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v after Close, want ErrClosed", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestMapWrongSize wants a file refused that is not as long as its header was
// told.
func TestMapWrongSize(t *testing.T) {
	files := onDisk(t, map[string][]byte{"m.gguf": soundGGUF().bytes()})
	h, err := ReadHeader(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := files[0].R.(*os.File).Truncate(files[0].Size - 1); err != nil {
		t.Fatal(err)
	}
	_, err = Map(h)
	wantError(t, err, "got 703 bytes, want 704")
}

// TestCloseWaits closes while the tensors are held: it must not return before
// they are given back, and nobody new may hold them.
func TestCloseWaits(t *testing.T) {
	d := mapped(t, onDisk(t, map[string][]byte{"m.gguf": soundGGUF().bytes()}))
	release, err := d.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	for {
		other, err := d.Acquire()
		if errors.Is(err, ErrClosed) {
			break
		}
		other()
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-closed:
		t.Fatalf("Close returned while the tensors were held: %v", err)
	default:
	}
	if d.Tensors["a"].Data[0] != 1 {
		t.Error("a tensor changed")
	}
	release()
	release() // giving back twice counts once
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// read sums the bytes of a tensor, catching the fault of a lost mapping.
func read(d *Directory, name string) (sum int, err error) {
	defer d.CatchFault(PanicOnFault(), &err)
	for _, b := range d.Tensors[name].Data {
		sum += int(b)
	}
	return sum, nil
}

// TestFault cuts the file short under the mapping.
func TestFault(t *testing.T) {
	g := newGGUF().tensor("x", uint32(F32), bytes.Repeat([]byte{1}, 1<<16), 1<<14)
	files := onDisk(t, map[string][]byte{"m.gguf": g.bytes()})
	d := mapped(t, files)
	if sum, err := read(d, "x"); err != nil || sum != 1<<16 {
		t.Fatalf("got %d, %v", sum, err)
	}
	if err := files[0].R.(*os.File).Truncate(1 << 13); err != nil {
		t.Fatal(err)
	}
	_, err := read(d, "x")
	var f *FaultError
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a *FaultError", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestCatchFaultPasses wants other panics to go on.
func TestCatchFaultPasses(t *testing.T) {
	d := mapped(t, onDisk(t, map[string][]byte{"m.gguf": soundGGUF().bytes()}))
	defer func() {
		if got := recover(); got != "other" {
			t.Errorf("got panic %v, want the original one", got)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	var err error
	defer d.CatchFault(PanicOnFault(), &err)
	panic("other")
}
