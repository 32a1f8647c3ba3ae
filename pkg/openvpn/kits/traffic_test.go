package kits

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"testing"
	"time"
)

// TestMain lets the test program be a peer in another network namespace: "listen" answers everyone
// with their address, "dial" prints the answer.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "listen" {
		listen(os.Args[2])
	}
	if len(os.Args) > 3 && os.Args[1] == "dial" {
		dial(os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

func listen(address string) {
	time.AfterFunc(time.Minute, func() { os.Exit(1) }) // whatever becomes of the test
	listener, err := net.Listen("tcp", address)
	for err == nil {
		var conn net.Conn
		if conn, err = listener.Accept(); err == nil {
			fmt.Fprintln(conn, conn.RemoteAddr())
			conn.Close()
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// dial tries for some seconds, because the other side may not listen yet.
func dial(from, to string) {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := dialer.Dial("tcp", to)
		if err == nil {
			_, err = io.Copy(os.Stdout, conn)
		}
		if err == nil {
			os.Exit(0)
		}
		if time.Now().After(deadline) {
			fmt.Println(err)
			os.Exit(1)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// traffic makes a site with a host of its LAN, and a hub at the other end of a wire that has the
// name of the tunnel, and lets them call each other. $1 is the test program.
const traffic = `set -eu
unshare -n sleep 60 >/dev/null & hub=$!
trap 'kill $hub $listeners' EXIT
listeners=
until [ "$(readlink /proc/$hub/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
in_hub() { nsenter -t $hub -n "$@"; }
ip link add tun0 type veth peer name hub0
ip link set hub0 netns $hub
ip link set lo up
ip link set tun0 up
ip address add 10.8.0.2/24 dev tun0
ip -6 address add fd08::2/64 dev tun0 nodad
ip address add 192.168.1.5/32 dev lo
ip -6 address add fd01::5/128 dev lo nodad
in_hub ip link set lo up
in_hub ip link set hub0 up
in_hub ip address add 10.8.0.1/24 dev hub0
in_hub ip -6 address add fd08::1/64 dev hub0 nodad
in_hub ip route add 10.101.0.0/24 via 10.8.0.2
in_hub ip -6 route add fd00:101::/64 via fd08::2
nft -f site-rio.nft
"$1" listen :7000 >/dev/null & listeners="$listeners $!"
nsenter -t $hub -n "$1" listen :7001 >/dev/null & listeners="$listeners $!"
in_hub "$1" dial 10.8.0.1 10.101.0.5:7000
in_hub "$1" dial fd08::1 '[fd00:101::5]:7000'
"$1" dial 192.168.1.5 10.8.0.1:7001
"$1" dial fd01::5 '[fd08::1]:7001'
"$1" dial 10.8.0.2 10.8.0.1:7001
`

// TestMappedTraffic sends packets through the mappings: a host of the site is reached by its
// address in the other network, and seen with it; the router's own address in the tunnel stays as
// it is.
func TestMappedTraffic(t *testing.T) {
	t.Parallel()
	need(t, "nft")
	need(t, "ip")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := unpack(t, mustRender(t, OpenVPN, samples(t)["openvpn"].Profile))
	output := run(t, dir, needNamespaces(t), "-rn", "env", "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "sh", "-c", traffic, "sh", program)
	want := regexp.MustCompile(`\A10\.8\.0\.1:\d+
\[fd08::1\]:\d+
10\.101\.0\.5:\d+
\[fd00:101::5\]:\d+
10\.8\.0\.2:\d+
\z`)
	if !want.MatchString(output) {
		t.Error(output)
	}
}
