package daemon

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"

	"samara/web/client"
)

// maxSocketPath is the longest Unix socket path that every kernel takes.
const maxSocketPath = 103

// listenTCP opens the HTTP listener.
func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err == nil {
		return l, nil
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno // what wraps it repeats the address
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errorf(client.CodeAddressInUse, "another program has the port; choose one with --listen HOST:PORT, or port 0 for any free one",
			"listen on %s: %w", address, err)
	}
	return nil, errorf(client.CodeInvalidRequest, "choose another address with --listen HOST:PORT", "listen on %s: %w", address, err)
}

// listenSocket opens the data folder's Unix socket with mode 0600 in place of
// whatever an earlier run left there. Only the holder of the folder's lock may
// call it.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replace socket: %w", err)
	}
	short, done, err := shortSocketPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", short)
	if err != nil {
		return nil, fmt.Errorf("listen for the command line on %s: %w", path, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // by its short name; Run removes the real one
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect socket: %w", err), l.Close())
	}
	return l, nil
}

// DialSocket connects to a data folder's Unix socket, whatever the length of
// its path.
func DialSocket(ctx context.Context, path string) (net.Conn, error) {
	short, done, err := shortSocketPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	var d net.Dialer
	return d.DialContext(ctx, "unix", short)
}

// shortSocketPath returns a name for path that fits a socket address. A longer
// path is reached through a descriptor of its folder, which done closes.
func shortSocketPath(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	if _, err := os.Stat(filepath.Dir(short)); err != nil {
		_ = dir.Close() // only read from
		return "", nil, settingError("data", "choose a data folder with a shorter path",
			"the path of %s has %d bytes, a socket's may have %d", path, len(path), maxSocketPath)
	}
	return short, func() { _ = dir.Close() }, nil
}

// adminToken returns the line in tokens/admin, made at the first start.
func adminToken(data string) (string, error) {
	path := filepath.Join(data, filepath.FromSlash(AdminTokenName))
	b, err := os.ReadFile(path) //nolint:gosec // a fixed name inside the data folder
	if err == nil {
		token := strings.TrimSpace(string(b))
		if token == "" {
			return "", fmt.Errorf("read admin token: %s is empty; remove it to have a new one made", path)
		}
		return token, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read admin token: %w", err)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Join(data, "keys")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", fmt.Errorf("make admin token: %w", err)
		}
	}
	token := "samara_" + randomText(32)
	if err := renameio.WriteFile(path, []byte(token+"\n"), 0o600, renameio.IgnoreUmask()); err != nil {
		return "", fmt.Errorf("make admin token: %w", err)
	}
	return token, nil
}

// randomText returns n random bytes as URL-safe text.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program where the kernel has no randomness
	return base64.RawURLEncoding.EncodeToString(b)
}
