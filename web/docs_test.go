package web_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"samara/web/client"
)

// docs/http.md says what the code does: every route with its role, every code
// with its status and exit status, and no others.
func TestDocsNameEveryRouteAndCode(t *testing.T) {
	page, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (GET|POST|DELETE) \\| `[^|]*` \\| [a-z]+ |^\\| `[a-z_]+` \\| \\d+ \\| \\d+ ").FindAllString(string(page), -1) {
		rows[strings.TrimSpace(row)] = true
	}
	want := func(row string) {
		if !rows[row] {
			t.Errorf("docs/http.md lacks %s", row)
		}
		delete(rows, row)
	}
	braces := regexp.MustCompile(`:(\w+)`)
	for route, role := range newHarness(t).server.Roles() {
		method, path, _ := strings.Cut(route, " ")
		if path == "/" || strings.HasSuffix(path, "*") {
			continue // the page, and the other spelling of /v1/models/{model}
		}
		want(fmt.Sprintf("| %s | `%s` | %s", method, braces.ReplaceAllString(path, "{$1}"), role))
	}
	for _, code := range client.Codes() {
		e := client.NewError("", code, "")
		want(fmt.Sprintf("| `%s` | %d | %d", code, e.HTTPStatus(), e.ExitStatus()))
	}
	for row := range rows {
		t.Errorf("docs/http.md has %s, the code has not", row)
	}
}
