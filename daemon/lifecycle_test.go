package daemon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// A journal whose last line was not finished is said to be cut.
func TestCutJournalIsTold(t *testing.T) {
	cfg := Config{Data: t.TempDir(), NoSwarm: true}
	d, stop := startDaemon(t, cfg)
	publish(t, d, writeTree(t, map[string][]byte{"a.bin": pattern(1, 1000)}), "me/a")
	stop()
	files, err := filepath.Glob(filepath.Join(cfg.Data, "journal", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("journal holds %v, %v", files, err)
	}
	last := files[len(files)-1]
	st, err := os.Stat(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(last, st.Size()-3); err != nil {
		t.Fatal(err)
	}
	d, _ = startDaemon(t, cfg)
	if c := d.checkJournal(); c.Status != checkWarn || !strings.Contains(c.Detail, "unfinished") {
		t.Errorf("got %+v, want a warning", c)
	}
}

func TestSecondStartSaysWhoHoldsTheFolder(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	_, err := New(t.Context(), Config{Data: d.cfg.Data}, testLog(t))
	wantCode(t, err, client.CodeLocked)
	if !strings.Contains(err.Error(), d.SocketPath()) {
		t.Errorf("%v: does not name the holder's socket", err)
	}
}

func TestTakenPorts(t *testing.T) {
	d, _ := startDaemon(t, Config{Listen: loopback, Swarm: loopback})
	for _, cfg := range []Config{{Listen: d.Addr()}, {Swarm: d.SwarmAddr()}} {
		cfg.Data = t.TempDir()
		_, err := New(t.Context(), cfg, testLog(t))
		wantCode(t, err, client.CodeAddressInUse)
		cfg.Listen, cfg.Swarm = "", ""
		startDaemon(t, cfg) // nothing was left open
	}
}

func TestRefusedSettings(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no folder":                 {},
		"open to all without TLS":   {Data: "x", Listen: ":7377"},
		"a name without TLS":        {Data: "x", Listen: "example.org:7377"},
		"no token for all":          {Data: "x", Listen: "0.0.0.0:7377", NoAuth: true, TLSCert: "c", TLSKey: "k"},
		"a certificate alone":       {Data: "x", TLSCert: "c"},
		"an address without port":   {Data: "x", Listen: "127.0.0.1"},
		"a network that is none":    {Data: "x", Allow: []string{"10.0.0.0"}},
		"a certificate not there":   {Data: t.TempDir(), Listen: loopback, TLSCert: "/none", TLSKey: "/none"},
		"an address of nobody":      {Data: t.TempDir(), Listen: "127.0.0.1:99999"},
		"a swarm's address of none": {Data: t.TempDir(), Swarm: "127.0.0.1:99999"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), cfg, testLog(t))
			wantCode(t, err, client.CodeInvalidRequest)
		})
	}
}

func TestListensToAllWithTLS(t *testing.T) {
	cert, key := selfSigned(t)
	d, _ := startDaemon(t, Config{Listen: ":0", NoSwarm: true, TLSCert: cert, TLSKey: key})
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer hc.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.TLS == nil {
		t.Errorf("got status %d over TLS %v", resp.StatusCode, resp.TLS)
	}
}

// selfSigned writes a certificate and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := writeTree(t, map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	})
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

func TestFirstStartMakesTheFolder(t *testing.T) {
	d, stop := startDaemon(t, Config{Listen: loopback, NoSwarm: true})
	for name, mode := range map[string]os.FileMode{
		".": 0o700, "tokens": 0o700, "keys": 0o700, AdminTokenName: 0o600, SocketName: 0o600, "FORMAT": 0,
	} {
		info, err := os.Stat(filepath.Join(d.cfg.Data, name))
		if err != nil {
			t.Error(err)
		} else if mode != 0 && info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), mode)
		}
	}
	token, err := os.ReadFile(filepath.Join(d.cfg.Data, AdminTokenName))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{
		"Bearer " + strings.TrimSpace(string(token)): http.StatusOK,
		"Bearer wrong": http.StatusUnauthorized,
		"":             http.StatusUnauthorized,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL()+"/samara/v1/info", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("with %q: got status %d, want %d", header, resp.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if _, err := os.Stat(d.SocketPath()); !os.IsNotExist(err) {
		t.Errorf("the socket stayed (%v)", err)
	}
	again, err := adminToken(d.cfg.Data)
	if err != nil || again != strings.TrimSpace(string(token)) {
		t.Errorf("the token changed (%v)", err)
	}
}

func TestSocketWithALongPath(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	d, stop := startDaemon(t, Config{Data: data, NoSwarm: true})
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return DialSocket(ctx, d.SocketPath())
	}}}
	defer hc.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, client.SocketURL()+"/samara/v1/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), data) {
		t.Errorf("got %d %s (%v)", resp.StatusCode, body, err)
	}
	stop()
	// A daemon that was killed leaves its socket.
	if err := os.WriteFile(d.SocketPath(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	startDaemon(t, Config{Data: data, NoSwarm: true})
}

func TestStopAnswersOpenRequests(t *testing.T) {
	d, stop := startDaemon(t, Config{Listen: loopback, NoSwarm: true, NoAuth: true})
	dir := writeTree(t, map[string][]byte{"a.bin": pattern(1, 4<<20)})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL()+"/samara/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	publish(t, d, dir, "ns/model")
	stop()
	events, err := io.ReadAll(resp.Body) // the stream ends by itself
	if err != nil || !strings.Contains(string(events), "event: version") {
		t.Errorf("got events %q (%v), want the version's", events, err)
	}
	if _, err := (&tls.Dialer{}).DialContext(t.Context(), "tcp", d.Addr()); err == nil {
		t.Error("it still listens")
	}
}

func TestFullDiskPausesAndGoesOn(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	r := publish(t, a, writeTree(t, files), "author/model")
	full := newFakeDisk(64 << 20)
	cfg := Config{Data: t.TempDir(), DiskReserve: 62 << 20, space: full.space}
	b, stop := startDaemon(t, cfg)
	tr, err := b.fetch.Add(t.Context(), web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}}, "test")
	if err != nil {
		t.Fatal(err)
	}
	tr = waitFor(t, b, tr.Id, registry.StatePaused, registry.StateReady, registry.StateFailed)
	if tr.State != registry.StatePaused || !strings.Contains(tr.Reason, "free") {
		t.Fatalf("got %+v, want it paused for want of room", tr)
	}
	stop()
	full.set(1 << 30)
	b, _ = startDaemon(t, cfg) // it goes on without being asked
	tr = waitFor(t, b, tr.Id, registry.StateReady, registry.StateFailed)
	checkVersion(t, b, tr.Reference, files)
	if tr.Reason != "" || tr.Error != nil {
		t.Errorf("got %+v, want no reason", tr)
	}

	full.set(64 << 20)
	_, err = b.catalog.Publish(t.Context(), web.PublishRequest{Path: writeTree(t, files), Name: "ns/n"}, "test", func(web.PublishEvent) {})
	if err != nil { // where the file system shares blocks, publishing needs no room
		wantCode(t, err, client.CodeDiskFull)
	}
}
