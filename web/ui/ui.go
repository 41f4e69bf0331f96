// Package ui is the web page: a shell in HTML and ES modules without a build
// step, embedded in the binary and served under a strict content security
// policy. The page speaks the daemon's own HTTP API and nothing else.
package ui

import (
	"bytes"
	"embed"
	"encoding/hex"
	"hash/fnv"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed static
var static embed.FS

// ContentSecurityPolicy allows the page its own scripts, styles, pictures and
// API, and nothing from anywhere else; inline code does not run.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self'; connect-src 'self'; manifest-src 'self'; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the page at / and its parts under /assets/. Anything else is
// 404. Answers carry an ETag made of the bytes, so a new binary is seen at once.
func Handler() http.Handler {
	files, err := load()
	if err != nil {
		panic("ui: the embedded page cannot be read: " + err.Error()) // a broken build
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Content-Security-Policy", ContentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", f.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
	})
}

// A file is one embedded part of the page.
type file struct {
	body        []byte
	contentType string
	etag        string
}

// load reads the embedded files by the path they are served at.
func load() (map[string]file, error) {
	files := map[string]file{}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		sum := fnv.New128a()
		_, _ = sum.Write(body) // a hash never fails
		at := "/assets/" + name[len("static/"):]
		if name == "static/index.html" {
			at = "/"
		}
		files[at] = file{
			body:        body,
			contentType: contentType(name),
			etag:        `"` + hex.EncodeToString(sum.Sum(nil)) + `"`,
		}
		return nil
	})
	return files, err
}

// contentType names a file's type by its suffix, independently of what the
// machine's own tables say.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "text/plain; charset=utf-8"
}
