package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"samara/registry/disk"
	"samara/web/client"
)

// Defaults of a Config's fields, used by the command line and where a field
// is zero.
const (
	DefaultListen      = "127.0.0.1:7377"
	DefaultSwarm       = "127.0.0.1:7378"
	DefaultKeepAlive   = 5 * time.Minute
	DefaultDrain       = 10 * time.Second
	DefaultConcurrency = 2
	DefaultQueue       = 64
)

// A Config holds the settings of one daemon. The zero value of every field
// but Data is usable: no TCP listener, no swarm listener, everything that
// reaches out turned off.
type Config struct {
	// Data is the folder that holds everything; New creates it.
	Data string

	// Listen is the HTTP address host:port; port 0 picks a free one; ""
	// opens no TCP listener and leaves the socket in Data.
	Listen string
	// Hosts are names that a request's Host header may carry beside the
	// listener's own address, localhost and loopback addresses.
	Hosts []string
	// TLSCert and TLSKey are PEM files. Both are needed to listen on more
	// than loopback.
	TLSCert, TLSKey string
	// NoAuth gives every local caller the admin role; refused off loopback.
	NoAuth bool

	// NoSwarm starts no BitTorrent client, seeds nothing and resumes no
	// transfer until the first Add or Peek that needs peers: for verbs that
	// only read the folder, beside which another one may fetch.
	NoSwarm bool
	// Swarm is the BitTorrent address host:port; port 0 picks a free one;
	// "" dials out but accepts nobody.
	Swarm string
	// DHT and PEX look for peers beyond the ones that a link names.
	DHT, PEX bool
	// Airgap contacts nobody outside loopback and Allow.
	Airgap bool
	// Allow are networks (CIDR) that links may name although they are
	// private, and, with Airgap, the only ones that are contacted.
	Allow []string
	// NoUpload fetches without giving anything back.
	NoUpload bool
	// UploadRate and DownloadRate are caps in bytes a second; 0 is none.
	UploadRate, DownloadRate int64

	// DiskReserve is how many bytes of the disk stay free; 0 takes the
	// registry's default.
	DiskReserve int64

	// Context caps the tokens that a model's session may hold; 0 takes the
	// loader's default.
	Context int
	// Threads is the number of workers of the engine; 0 takes all cores.
	Threads int
	// Memory is how many bytes loaded models may need together (weights and
	// one session's cache); 0 takes the machine's memory less a quarter.
	Memory int64
	// KeepAlive is how long an idle model stays loaded; 0 takes
	// DefaultKeepAlive, less than 0 never unloads.
	KeepAlive time.Duration
	// Concurrency is how many generations run at once, Queue how many more
	// may wait; 0 takes the defaults.
	Concurrency, Queue int

	// Drain bounds how long Run waits for open requests when it stops.
	Drain time.Duration
	// Build says what is running: version and commit, for /samara/v1/info.
	Build Build

	space func(dir string) (disk.Space, error) // tests fill the disk by it; nil asks the system
}

// Build names the running program.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
}

// check returns the config with defaults filled in and its paths absolute, or
// the first setting that is refused.
func (c Config) check() (Config, error) {
	if c.Data == "" {
		return c, settingError("data", "", "no data folder named")
	}
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		return c, fmt.Errorf("open data folder %s: %w", c.Data, err)
	}
	c.Data = abs
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return c, settingError("tls", "", "a certificate needs its key, and a key its certificate")
	}
	if c.Listen != "" {
		if err := c.checkListen(); err != nil {
			return c, err
		}
	}
	if _, err := c.networks(); err != nil {
		return c, err
	}
	c.KeepAlive = orDefault(c.KeepAlive, DefaultKeepAlive)
	c.Drain = orDefault(c.Drain, DefaultDrain)
	c.Concurrency = orDefault(c.Concurrency, DefaultConcurrency)
	c.Queue = orDefault(c.Queue, DefaultQueue)
	return c, nil
}

// checkListen refuses an HTTP address that strangers could reach in clear
// text or without a token.
func (c Config) checkListen() error {
	loopback, err := isLoopback(c.Listen)
	if err != nil {
		return settingError("listen", "", "%q is no host:port: %v", c.Listen, err)
	}
	switch {
	case loopback:
		return nil
	case c.NoAuth:
		return settingError("no-auth", "drop --no-auth: clients send the token in <data>/tokens/admin",
			"refused on %s, which is more than loopback", c.Listen)
	case c.TLSCert == "":
		return settingError("listen", "give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that has TLS",
			"%s is more than loopback and has no TLS", c.Listen)
	}
	return nil
}

// networks parses Allow.
func (c Config) networks() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range c.Allow {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, settingError("allow", "", "%q is no network such as 10.0.0.0/8", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// isLoopback reports whether only this machine reaches address. A name counts
// only when it is localhost: others may resolve anywhere.
func isLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, err
	}
	if host == "localhost" {
		return true, nil
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback(), nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// settingError is a setting that the daemon refuses.
func settingError(setting, hint, format string, args ...any) error {
	return errorf(client.CodeInvalidRequest, hint, "setting %s: %s", setting, fmt.Sprintf(format, args...))
}
