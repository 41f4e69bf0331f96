package registry_test

import (
	"testing"

	"go.uber.org/goleak"

	"samara/registry"
	"samara/registry/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t *testing.T, dir string, o registry.Options) *registry.Store {
	t.Helper()
	s, err := registry.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	registrytest.Run(t, func(t *testing.T) *registry.Store {
		return openStore(t, t.TempDir(), registry.Options{})
	})
}
