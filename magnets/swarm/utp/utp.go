// Package utp stands in for github.com/anacrolix/go-utp, which cannot be had
// from the module proxy. Samara runs its swarm over TCP only
// (ClientConfig.DisableUTP), so every constructor reports ErrNotBuilt.
package utp

import (
	"context"
	"errors"
	"log/slog"
	"net"
)

// ErrNotBuilt is what every constructor of this stand-in returns.
var ErrNotBuilt = errors.New("utp: not built into this binary")

// Default names the implementation that the torrent client asks for.
const Default = "none"

// A FirewallCallback decides whether a packet's sender is refused.
type FirewallCallback func(net.Addr) bool

// A Socket is the shape that the torrent client expects of a uTP socket.
type Socket interface {
	net.PacketConn
	Accept() (net.Conn, error)
	Addr() net.Addr
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	SetFirewallCallback(FirewallCallback)
}

// An Option configures a Socket.
type Option func()

// WithLogger returns an option that does nothing.
func WithLogger(*slog.Logger) Option { return func() {} }

// NewSocket returns ErrNotBuilt.
func NewSocket(_, _ string, _ ...Option) (Socket, error) { return nil, ErrNotBuilt }

// NewSocketFromPacketConn returns ErrNotBuilt.
func NewSocketFromPacketConn(_ net.PacketConn, _ ...Option) (Socket, error) {
	return nil, ErrNotBuilt
}
