package openai

import (
	"maps"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// openapi.yaml describes the fields that are taken, no fewer and no more.
func TestSpecNamesTheFieldsThatAreTaken(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	for path, rules := range map[string]map[string]rule{"/v1/chat/completions": chatFields, "/v1/completions": completionFields} {
		schema := doc.Paths.Find(path).Post.RequestBody.Value.Content["application/json"].Schema.Value
		var taken []string
		for name, r := range rules {
			if r != neutral {
				taken = append(taken, name)
			}
		}
		slices.Sort(taken)
		if described := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(described, taken) {
			t.Errorf("%s: openapi.yaml describes %q, the code takes %q", path, described, taken)
		}
	}
}
