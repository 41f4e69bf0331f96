package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// decodeJSON reads one JSON object, its keys in order, as untrusted values.
func decodeJSON(data []byte) (*dict, error) {
	if len(data) > MaxContextBytes {
		return nil, &LimitError{What: "bytes of context", Limit: MaxContextBytes}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("read chat context: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read chat context: more than one JSON value")
	}
	object, ok := v.(*dict)
	if !ok {
		return nil, fmt.Errorf("read chat context: got %s, want an object", typeName(v))
	}
	return object, nil
}

func decodeValue(d *json.Decoder, depth int) (value, error) {
	if depth > MaxDataDepth {
		return nil, &LimitError{What: "levels of data", Limit: MaxDataDepth}
	}
	t, err := d.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t := t.(type) {
	case nil:
		return nil, nil //nolint:nilnil // None
	case bool:
		return t, nil
	case string:
		return untrusted(t), nil
	case json.Number:
		return jsonNumber(t.String())
	case json.Delim:
		if t == '[' {
			return decodeArray(d, depth)
		}
		return decodeObject(d, depth)
	}
	return nil, fmt.Errorf("unexpected %v", t)
}

func decodeArray(d *json.Decoder, depth int) (value, error) {
	l := &list{}
	for d.More() {
		v, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, v)
	}
	_, err := d.Token()
	return l, err
}

func decodeObject(d *json.Decoder, depth int) (value, error) {
	o := newDict()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("got key %v, want a string", key)
		}
		v, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		o.set(untrusted(name), v)
	}
	_, err := d.Token()
	return o, err
}

// jsonNumber reads a number as Python's json does: whole ones stay whole.
func jsonNumber(s string) (value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, err
		}
		return f, nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i, nil
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || len(s) > 1000 {
		return nil, fmt.Errorf("%.40s is not a number that can be read", s)
	}
	return n, nil
}

// fromGo turns a Go value, as json.Unmarshal makes them, into an untrusted
// value. Keys of maps are sorted.
func fromGo(v any) (value, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("read chat context: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return decodeValue(d, 0)
}
