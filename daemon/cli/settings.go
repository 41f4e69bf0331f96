package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"

	"samara/daemon"
)

// settings are what a daemon is started with: by serve, or inside a verb that
// finds none. Flags win over the environment, the environment over the file;
// the file's keys are the flags' names with "_" for "-".
type settings struct {
	Listen       string   `help:"HTTP address." placeholder:"HOST:PORT" default:"127.0.0.1:7377" env:"SAMARA_LISTEN" group:"daemon" toml:"listen"`
	Swarm        string   `help:"BitTorrent address; :7378 lets other machines in." placeholder:"HOST:PORT" default:"127.0.0.1:7378" env:"SAMARA_SWARM" group:"daemon" toml:"swarm"`
	Dht          bool     `help:"Look for peers in the DHT." env:"SAMARA_DHT" group:"daemon" toml:"dht"`
	Pex          bool     `help:"Exchange peers with peers." env:"SAMARA_PEX" group:"daemon" toml:"pex"`
	Airgap       bool     `help:"Contact nobody outside loopback and --allow." env:"SAMARA_AIRGAP" group:"daemon" toml:"airgap"`
	Allow        []string `help:"Network that links may name although it is private; with --airgap the only ones contacted." placeholder:"CIDR" env:"SAMARA_ALLOW" group:"daemon" toml:"allow"`
	NoUpload     bool     `help:"Fetch without giving anything back." env:"SAMARA_NO_UPLOAD" group:"daemon" toml:"no_upload"`
	UploadRate   byteSize `help:"Cap of what is sent a second, such as 10MB." placeholder:"SIZE" env:"SAMARA_UPLOAD_RATE" group:"daemon" toml:"upload_rate"`
	DownloadRate byteSize `help:"Cap of what is fetched a second." placeholder:"SIZE" env:"SAMARA_DOWNLOAD_RATE" group:"daemon" toml:"download_rate"`
	Host         []string `help:"Further name that requests may call this server by." placeholder:"NAME" env:"SAMARA_HOST" group:"daemon" toml:"host"`
	TLSCert      string   `help:"Certificate (PEM), needed to listen on more than loopback." name:"tls-cert" placeholder:"FILE" env:"SAMARA_TLS_CERT" group:"daemon" toml:"tls_cert"`
	TLSKey       string   `help:"The certificate's key (PEM)." name:"tls-key" placeholder:"FILE" env:"SAMARA_TLS_KEY" group:"daemon" toml:"tls_key"`
	NoAuth       bool     `help:"Ask no token; refused on more than loopback." env:"SAMARA_NO_AUTH" group:"daemon" toml:"no_auth"`
	Context      int      `help:"Most tokens that one conversation may hold." placeholder:"N" env:"SAMARA_CONTEXT" group:"daemon" toml:"context"`
	Threads      int      `help:"Threads of the engine; all cores without it." short:"t" placeholder:"N" env:"SAMARA_THREADS" group:"daemon" toml:"threads"`
	Memory       byteSize `help:"Memory that loaded models may take together." placeholder:"SIZE" env:"SAMARA_MEMORY" group:"daemon" toml:"memory"`
	KeepAlive    duration `help:"How long an idle model stays loaded." placeholder:"5m" env:"SAMARA_KEEP_ALIVE" group:"daemon" toml:"keep_alive"`
	Concurrency  int      `help:"Generations that run at once." placeholder:"N" env:"SAMARA_CONCURRENCY" group:"daemon" toml:"concurrency"`
	Queue        int      `help:"Generations that may wait." placeholder:"N" env:"SAMARA_QUEUE" group:"daemon" toml:"queue"`
}

// config turns the options into a daemon's settings.
func (g *globals) config() daemon.Config {
	return daemon.Config{
		Data: g.Data, Listen: g.Listen, Hosts: g.Host,
		TLSCert: g.TLSCert, TLSKey: g.TLSKey, NoAuth: g.NoAuth,
		Swarm: g.Swarm, DHT: g.Dht, PEX: g.Pex, Airgap: g.Airgap, Allow: g.Allow,
		NoUpload: g.NoUpload, UploadRate: int64(g.UploadRate), DownloadRate: int64(g.DownloadRate),
		Context: g.Context, Threads: g.Threads, Memory: int64(g.Memory),
		KeepAlive: time.Duration(g.KeepAlive), Concurrency: g.Concurrency, Queue: g.Queue,
		Build: buildInfo().Build,
	}
}

// defaultData is the data folder of a user who names none.
func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "samara")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "samara"
	}
	return filepath.Join(home, ".local", "share", "samara")
}

// settingsFileName is looked for in the data folder and then in the user's
// configuration folder.
const settingsFileName = "samara.toml"

// maxSettings bounds the settings file.
const maxSettings = 1 << 20

// fileSettings are the keys that samara.toml may hold.
type fileSettings struct {
	Data string `toml:"data"`
	settings
}

// A settingsFile resolves flags that neither stand on the command line nor in
// the environment.
type settingsFile struct{ values map[string]any }

// load finds and reads the file; no file is no error, unless it was named.
func (f *settingsFile) load(kctx *kong.Context) error {
	path, err := findSettings(flagText(kctx, "config"), flagText(kctx, "data"))
	if err != nil || path == "" {
		return err
	}
	text, err := readBounded(path, maxSettings)
	if err != nil {
		return usage(fmt.Sprintf("read settings: %v", err), "")
	}
	f.values, err = parseSettings(path, text)
	return err
}

// Validate has nothing to add: load has refused unknown keys.
func (f *settingsFile) Validate(*kong.Application) error { return nil }

// Resolve gives the file's value for a flag, unless its environment variable
// is set.
func (f *settingsFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Tag.Get("toml") == "" && flag.Name != "data" {
		return nil, nil
	}
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	return f.values[strings.ReplaceAll(flag.Name, "-", "_")], nil
}

// findSettings says which file holds the settings; "" is none.
func findSettings(named, data string) (string, error) {
	if named != "" {
		return named, nil
	}
	candidates := []string{filepath.Join(data, settingsFileName)}
	if dir, err := os.UserConfigDir(); err == nil {
		candidates = append(candidates, filepath.Join(dir, "samara", settingsFileName))
	}
	for _, path := range candidates {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", usage(fmt.Sprintf("read settings: %v", err), "")
		}
	}
	return "", nil
}

// parseSettings reads TOML; an unknown key or a value of the wrong kind is an
// error that names its line.
func parseSettings(path string, text []byte) (map[string]any, error) {
	var check fileSettings
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	var strict *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch err := d.Decode(&check); {
	case errors.As(err, &strict):
		first := strict.Errors[0]
		row, _ := first.Position()
		return nil, usage(fmt.Sprintf("read settings %s:%d: unknown key %q", path, row, strings.Join(first.Key(), ".")),
			"known keys: "+strings.Join(settingsKeys(), ", "))
	case errors.As(err, &syntax):
		row, _ := syntax.Position()
		reason, hint := strings.TrimPrefix(syntax.Error(), "toml: "), ""
		if key := strings.Join(syntax.Key(), "."); slices.Contains(settingsKeys(), strings.ToLower(key)) {
			reason = fmt.Sprintf("key %q: %s", key, valueReason(strings.ToLower(key), reason))
			hint = `"samara serve --help" shows what each setting takes`
		}
		return nil, usage(fmt.Sprintf("read settings %s:%d: %s", path, row, reason), hint)
	case err != nil:
		return nil, badText(path, text, err)
	}
	raw := map[string]any{}
	if err := toml.Unmarshal(text, &raw); err != nil {
		return nil, usage(fmt.Sprintf("read settings %s: %v", path, err), "")
	}
	values := map[string]any{}
	for key, v := range raw { // the check above takes keys in any case
		values[strings.ToLower(key)] = v
	}
	return values, nil
}

// badText is the error of a value that its own type refuses, such as a size.
// The decoder does not say which it was.
func badText(path string, text []byte, err error) error {
	for row, line := range bytes.Split(text, []byte("\n")) {
		var check fileSettings
		if one := toml.Unmarshal(line, &check); one != nil && one.Error() == err.Error() {
			key, _, _ := bytes.Cut(line, []byte("="))
			return usage(fmt.Sprintf("read settings %s:%d: key %q: %s", path, row+1, bytes.TrimSpace(key), strings.TrimPrefix(err.Error(), "toml: ")), "")
		}
	}
	return usage(fmt.Sprintf("read settings %s: %v", path, err), "")
}

// wrongKind finds the kind of value in what the TOML decoder says.
var wrongKind = regexp.MustCompile(`TOML (\w+)`)

// valueReason says in the file's words why a key's value is refused: the
// decoder speaks of this program's types.
func valueReason(key, reason string) string {
	got := wrongKind.FindStringSubmatch(reason)
	if got == nil {
		return reason
	}
	want := "text in quotes"
	t := reflect.TypeFor[settings]()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("toml") != key {
			continue
		}
		switch {
		case f.Type == reflect.TypeFor[byteSize]():
			want = `a size in quotes, such as "10MB"`
		case f.Type == reflect.TypeFor[duration]():
			want = `a time in quotes, such as "5m"`
		case f.Type.Kind() == reflect.Bool:
			want = "true or false"
		case f.Type.Kind() == reflect.Int:
			want = "a whole number"
		case f.Type.Kind() == reflect.Slice:
			want = `a list such as ["a", "b"]`
		}
	}
	return fmt.Sprintf("got %s, want %s", strings.ToLower(got[1]), want)
}

// settingsKeys lists what samara.toml may hold.
func settingsKeys() []string {
	keys := []string{"data"}
	t := reflect.TypeFor[settings]()
	for i := range t.NumField() {
		keys = append(keys, t.Field(i).Tag.Get("toml"))
	}
	return keys
}

// settingsFlags lists the flags of the settings.
func settingsFlags() []string {
	var names []string
	for _, key := range settingsKeys()[1:] {
		names = append(names, strings.ReplaceAll(key, "_", "-"))
	}
	return names
}

// flagText is a global flag's text before the file is read: from the command
// line, the environment or its default.
func flagText(kctx *kong.Context, name string) string {
	for _, flag := range kctx.Model.Flags {
		if flag.Name == name {
			text, _ := kctx.FlagValue(flag).(string)
			return text
		}
	}
	return ""
}
