package daemon

import "samara/web/client"

// errorf returns an error of the table with a hint, which may be empty; the
// operation is named by whoever reports it. A %w operand stays reachable.
func errorf(code, hint, format string, args ...any) *client.Error {
	return client.Errorf("", code, format, args...).WithHint(hint)
}
