package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"samara/web/client"
)

// A hostList holds the names under which the daemon may be addressed. A page
// whose name resolves to this machine (DNS rebinding) sends a name that is not
// among them and gets nothing.
type hostList map[string]bool

// newHostList returns a list of names; ports in them are ignored. localhost,
// loopback addresses and the address that a connection came in on are always
// allowed.
func newHostList(names []string) hostList {
	l := hostList{"localhost": true}
	for _, name := range names {
		l[hostName(name)] = true
	}
	return l
}

// check refuses a request whose Host is not allowed.
func (l hostList) check(r *http.Request) error {
	name := hostName(r.Host)
	if l[name] || isOwnAddress(r, name) {
		return nil
	}
	return client.NewError("connect", client.CodeForbidden,
		fmt.Sprintf("check host: got %q, which is no name of this daemon", printable(r.Host))).
		WithHint("allow the name with --host, or use the address that the daemon printed")
}

// isOwnAddress reports whether name is a loopback address or the one at which
// the connection arrived.
func isOwnAddress(r *http.Request, name string) bool {
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	if ip.Unmap().IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	here, err := netip.ParseAddrPort(local.String())
	return err == nil && here.Addr().Unmap().WithZone("") == ip.Unmap().WithZone("")
}

// hostName strips port, brackets, a final dot and case from a Host.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
