package registrytest

import (
	"fmt"
	"strings"
	"testing"

	"samara/registry"
)

func testTags(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	one := Add(t, s, NewVersion(t, s, "acme/tiny", "one"))
	v := NewVersion(t, s, "acme/tiny", "two")
	_, err := s.AddVersion(ctx, v)
	WantCode(t, err, "conflict")
	v.Move = true
	two := Add(t, s, v)
	err = s.Tag(ctx, registry.Reference{Digest: one.Version.Digest}, v.Reference, false, "test")
	WantCode(t, err, "conflict")
	if err := s.Tag(ctx, registry.Reference{Digest: one.Version.Digest}, Ref(t, "gpt2:v1"), false, "test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tag(ctx, Ref(t, "gpt2:v1"), v.Reference, true, "test"); err != nil {
		t.Fatal(err)
	}
	got, err := s.Lookup(ctx, v.Reference)
	if err != nil || got.Version.Digest != one.Version.Digest {
		t.Errorf("moved tag: got %s, %v", got.Version.Digest, err)
	}
	refs, err := s.Tags(ctx, one.Version.Digest)
	if err != nil || fmt.Sprint(refs) != "[acme/tiny:main gpt2:v1]" {
		t.Errorf("tags: got %v, %v", refs, err)
	}
	before, _ := s.Journal().Head()
	if err := s.Tag(ctx, Ref(t, "gpt2:v1"), v.Reference, false, "test"); err != nil {
		t.Errorf("a tag that points there already: %v", err)
	}
	if after, _ := s.Journal().Head(); after != before {
		t.Error("setting a tag to what it is wrote to the journal")
	}
	WantCode(t, s.Tag(ctx, Ref(t, "none"), Ref(t, "x"), false, "test"), "not_found")
	WantCode(t, s.Tag(ctx, Ref(t, "gpt2:v1"), registry.Reference{Name: "x", Digest: two.Version.Digest}, false, "test"), "invalid_request")
}

func testTagCase(t *testing.T, s *registry.Store) {
	v := NewVersion(t, s, "Acme/Tiny:V1", "one")
	Add(t, s, v)
	got, err := s.Lookup(t.Context(), Ref(t, "acme/tiny:V1"))
	if err != nil || got.Reference.String() != "Acme/Tiny:V1" {
		t.Errorf("got %s, %v", got.Reference, err)
	}
	_, err = s.Lookup(t.Context(), Ref(t, "Acme/Tiny:v1"))
	WantCode(t, err, "not_found")
	other := NewVersion(t, s, "ACME/TINY:V1", "two")
	_, err = s.AddVersion(t.Context(), other)
	WantCode(t, err, "conflict")
	list, _, err := s.List(t.Context(), registry.ListOptions{Prefix: "aCME/"})
	if err != nil || len(list) != 1 {
		t.Errorf("list: got %d entries, %v", len(list), err)
	}
}

func testDigestReferences(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	one := Add(t, s, NewVersion(t, s, "acme/tiny", "one"))
	Add(t, s, NewVersion(t, s, "acme/other", "two"))
	hex := one.Version.Digest.Hex()
	for _, text := range []string{
		"blake3:" + hex, "blake3:" + hex[:6], "blake3:" + hex[:7], "acme/tiny@blake3:" + hex, "Acme/Tiny@blake3:" + hex[:9],
	} {
		got, err := s.Lookup(ctx, Ref(t, text))
		if err != nil || got.Version.Digest != one.Version.Digest {
			t.Errorf("%s: got %s, %v", text, got.Version.Digest, err)
		}
	}
	_, err := s.Lookup(ctx, Ref(t, "acme/other@blake3:"+hex))
	WantCode(t, err, "not_found")
	if err := s.Remove(ctx, Ref(t, "acme/tiny"), "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lookup(ctx, Ref(t, "acme/tiny@blake3:"+hex)); err != nil {
		t.Errorf("a version without tags by its digest: %v", err)
	}
}

func testList(t *testing.T, s *registry.Store) {
	var want []string
	for _, name := range []string{"a/a", "a/b", "a/b:v2", "b/a", "gpt2"} {
		want = append(want, Add(t, s, NewVersion(t, s, name, name)).Reference.String())
	}
	var got []string
	for after, pages := "", 0; ; pages++ {
		list, next, err := s.List(t.Context(), registry.ListOptions{After: after, Limit: 2})
		if err != nil || len(list) > 2 || pages > 3 {
			t.Fatalf("page %d: %d entries, %v", pages, len(list), err)
		}
		for _, e := range list {
			got = append(got, e.Reference.String())
		}
		if after = next; after == "" {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	list, next, err := s.List(t.Context(), registry.ListOptions{Prefix: "a/b"})
	if err != nil || len(list) != 2 || next != "" {
		t.Errorf("prefix: got %d entries, next %q, %v", len(list), next, err)
	}
	versions := 0
	err = s.EachVersion(t.Context(), func(v registry.Version) error {
		versions++
		_, err := s.Tags(t.Context(), v.Digest)
		return err
	})
	if err != nil || versions != 5 {
		t.Errorf("each version: got %d, %v", versions, err)
	}
}
