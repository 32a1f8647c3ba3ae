#!/bin/sh
# Puts the OpenVPN of other releases of Debian into folders of their own, with all the libraries
# that it needs:
#
#   ${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro/openvpn-2.5/openvpn
#   ${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro/openvpn-2.7/openvpn
#
# They are programs to test with: what is installed on the system stays as it is, and any account
# may do this. The packages come from where the system has its own. What is there already is left
# alone.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro

main() {
	install_version 2.5 bullseye
	install_version 2.7 forky
}

# install_version takes a version from a release of Debian.
install_version() {
	place=$cache/openvpn-$1
	[ ! -e "$place/ready" ] || return 0
	echo "setup: putting OpenVPN $1 into $place" >&2
	work=$(mktemp -d)
	rm -rf "$place"
	mkdir -p "$place/root"
	if fetch "$2" "$work" && unpack "$work" "$place/root" && write_program "$place" &&
		"$place/openvpn" --version | grep "^OpenVPN $1\." >&2; then
		touch "$place/ready"
	fi
	rm -rf "$work"
	[ -e "$place/ready" ] || report "$1"
}

# fetch downloads the package of a release, with all that it depends on, into a folder.
fetch() {
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
	from=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian Debian main //p' | head -n 1)
	[ -n "$from" ] || return 1
	mkdir -p "$2/lists/partial" "$2/cache/archives/partial" "$2/parts"
	: >"$2/status" # nothing is installed: all that is needed is downloaded
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $1 main" >"$2/sources.list"
	private_apt "$2" update >&2 &&
		private_apt "$2" -y --no-install-recommends --download-only install openvpn >&2
}

private_apt() {
	folder=$1
	shift
	apt-get -qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts="$folder/parts" \
		-o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# unpack takes what the program needs to run: its libraries, and itself.
unpack() {
	for package in "$1"/cache/archives/lib*.deb "$1"/cache/archives/zlib*.deb "$1"/cache/archives/openvpn_*.deb; do
		dpkg-deb -x "$package" "$2"
	done
}

# write_program writes a program that runs the unpacked one with its own libraries.
write_program() {
	loader=$(find "$1/root" -path '*-linux-gnu*' -name 'ld-linux*' | head -n 1)
	folder=${loader%/*}
	libraries=$1/root/usr/lib/${folder##*/}:$1/root/lib/${folder##*/}
	cat >"$1/openvpn" <<-EOF
		#!/bin/sh
		exec "$loader" --library-path "$libraries" "$1/root/usr/sbin/openvpn" "\$@"
	EOF
	chmod +x "$1/openvpn"
}

report() {
	echo "setup: OpenVPN $1 can't be had; the tests with it are skipped" >&2
	if [ "${CI:-}" = true ]; then
		exit 1
	fi
}

main "$@"
