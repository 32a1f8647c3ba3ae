#!/bin/sh
# Prepares a machine for the tests and the demo that run real programs:
#
#   scripts/setup.sh postgres pgbouncer openvpn openvpns easyrsa chromium openssl curl oauthlib readers python redocly node \
#     schemathesis witnesses shells nftables prometheus exim packages debian softhsm vault moto
#
# Installed programs are left alone, silently. Missing ones are installed from
# Debian's packages if this account may do that, as root or with a sudo that does
# not prompt. Otherwise the script prints what is missing. The tests then skip what
# they cannot run, so that is a failure only under CI=true.
#
# python and schemathesis are Python 3.11 with the packages of cmd/sdkgen/python and of
# openapi/fuzz, each in a folder of its own below ${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro.
# redocly and node are Node 20 and npm with the packages of openapi/lint and of
# cmd/sdkgen/typescript. witnesses are the generators of openapi/witness, with what they need.
# All are installed as their lock files say, without running their scripts.
# packages are the programs that look at the packages of a release; debian is a minimal Debian as an
# archive below the same folder, and what boots it.
# softhsm is a token of PKCS#11 in software, with a C compiler; moto are the packages of Python that
# stand for AWS. vault is a server that is built of pkg/kms/transit/server, for make nightly alone:
# it downloads much, and compiles for minutes.
# openvpns are other versions of OpenVPN: see scripts/openvpns.sh.
set -eu
cd "$(dirname "$0")/.."

drop_in=/etc/postgresql-common/createcluster.d/chaveiro-setup.conf
copy_dependencies=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies

main() {
	install_programs "$@"
	for need in "$@"; do
		case $need in
		python) install_python_packages cmd/sdkgen/python ;;
		schemathesis) install_python_packages openapi/fuzz ;;
		moto) install_python_packages pkg/kms/awskms/moto ;;
		vault) build_vault ;;
		witnesses) install_witnesses ;;
		openvpns) scripts/openvpns.sh ;;
		redocly) install_npm_packages openapi/lint ;;
		node) install_npm_packages cmd/sdkgen/typescript ;;
		debian) make_debian ;;
		esac
	done
}

install_programs() {
	missing=$(list_missing "$@")
	[ -n "$missing" ] || return 0
	if root=$(how_to_be_root); then
		# shellcheck disable=SC2086 # both are lists of words
		install_packages "$root" $missing || echo "setup: apt-get failed" >&2
		missing=$(list_missing "$@")
		[ -n "$missing" ] || return 0
	fi
	report "$missing"
}

# list_missing prints the Debian packages of the programs that are missing.
list_missing() {
	for need in "$@"; do
		case $need in
		postgres) have_postgres || echo postgresql ;;
		pgbouncer) have pgbouncer || [ -x /usr/sbin/pgbouncer ] || echo pgbouncer ;;
		openvpns | vault) ;; # which are no packages
		softhsm)
			have softhsm2-util || echo softhsm2
			have gcc || echo gcc libc6-dev
			;;
		openvpn) have openvpn || [ -x /usr/sbin/openvpn ] || echo openvpn ;;
		easyrsa) [ -x /usr/share/easy-rsa/easyrsa ] || echo easy-rsa ;;
		chromium) have chromium || have chromium-browser || have google-chrome || echo chromium ;;
		openssl) have openssl || echo openssl ;;
		curl) have curl || echo curl ;;
		oauthlib) have_oauthlib || echo python3-oauthlib ;;
		readers) list_missing_readers ;;
		redocly | node) have_node || echo nodejs npm ;;
		python | schemathesis | moto) have_python || echo python3-venv ;;
		shells)
			have zsh || echo zsh
			have fish || echo fish
			;;
		nftables)
			have nft || [ -x /usr/sbin/nft ] || echo nftables
			have ip || [ -x /usr/sbin/ip ] || echo iproute2
			;;
		prometheus) { have prometheus && have promtool; } || echo prometheus ;;
		exim) [ -x /usr/sbin/exim4 ] || echo exim4-daemon-light ;;
		witnesses)
			have_python || echo python3-venv
			have_node || echo nodejs npm
			have javac || echo default-jdk-headless
			have mvn || echo maven
			;;
		packages)
			have rpm || echo rpm
			have bwrap || echo bubblewrap
			have mandoc || echo mandoc
			have man || echo man-db
			have col || echo bsdextrautils
			have systemd-analyze || echo systemd
			have zsh || echo zsh
			have fish || echo fish
			;;
		debian)
			have mmdebstrap || echo mmdebstrap
			have systemd-nspawn || echo systemd-container
			have lintian || echo lintian
			;;
		*)
			echo "setup: unknown need: $need (known: postgres pgbouncer openvpn openvpns easyrsa chromium openssl curl oauthlib readers python redocly node schemathesis witnesses shells nftables prometheus exim packages debian softhsm vault moto)" >&2
			exit 2
			;;
		esac
	done
}

have() { command -v "$1" >/dev/null 2>&1; }

# On Debian the server programs are outside PATH, in one directory per version.
have_postgres() {
	have initdb && have postgres && return 0
	for initdb in /usr/lib/postgresql/*/bin/initdb; do
		[ -x "$initdb" ] && return 0
	done
	return 1
}

# Debian's package is for Debian's Python, which need not be the first in PATH.
have_oauthlib() {
	/usr/bin/python3 -c 'import oauthlib' 2>/dev/null || python3 -c 'import oauthlib' 2>/dev/null
}

# list_missing_readers prints the packages of the programs that read what the CA writes.
list_missing_readers() {
	have certtool || echo gnutls-bin
	have certutil || echo libnss3-tools
	have keytool || echo default-jre-headless
	/usr/bin/python3 -c 'import cryptography' 2>/dev/null || python3 -c 'import cryptography' 2>/dev/null ||
		echo python3-cryptography
}

have_node() {
	have npm && have node && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'
}

# install_npm_packages installs what the lock file of a folder says. A copy of the lock file beside
# the packages says which they are.
install_npm_packages() {
	have_node || return 0 # that was reported
	installed=$1/node_modules/.chaveiro-lock.json
	cmp -s "$1/package-lock.json" "$installed" && return 0
	echo "setup: installing the packages of $1" >&2
	if (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund >&2); then
		cp "$1/package-lock.json" "$installed"
		return 0
	fi
	echo "setup: npm ci failed in $1; the tests that need its packages are skipped" >&2
	if [ "${CI:-}" = true ]; then
		exit 1
	fi
}

have_python() {
	python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# install_python_packages makes a virtual environment of the lock file of a folder. The file "ready"
# in it says that it is whole. pyright brings its program with its first start.
install_python_packages() {
	lock=$1/requirements.txt
	sum=$(sha256sum "$lock" | cut -c 1-16)
	place=${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro/python-$sum
	[ ! -e "$place/ready" ] || return 0
	echo "setup: installing Python packages into $place" >&2
	if have_python && rm -rf "$place" && python3 -m venv "$place" &&
		"$place/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock" >&2 &&
		{ [ ! -e "$place/bin/pyright" ] || "$place/bin/pyright" --version >/dev/null; }; then
		touch "$place/ready"
		return 0
	fi
	echo "setup: the Python packages of $lock are missing" >&2
	if [ "${CI:-}" = true ]; then
		exit 1
	fi
	echo "setup: without them, the tests that need them are skipped" >&2
}

# build_vault builds the server of pkg/kms/transit/server, once: that takes some minutes. The tests of
# make nightly fail without it.
build_vault() {
	place=${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro/vault-1.13.1
	[ ! -e "$place/vault" ] || return 0
	echo "setup: building Vault into $place; this takes some minutes" >&2
	mkdir -p "$place"
	if (cd pkg/kms/transit/server && CGO_ENABLED=0 ${GO:-go} build -ldflags '-s -w' -o "$place/vault.new" .) >&2; then
		mv "$place/vault.new" "$place/vault"
		return 0
	fi
	rm -f "$place/vault.new"
	echo "setup: Vault could not be built; make nightly fails without it" >&2
	exit 1
}

install_witnesses() {
	install_python_packages openapi/witness/openapi-python-client
	install_python_packages openapi/witness/openapi-generator-python
	install_npm_packages openapi/witness/hey-api
	install_jars openapi/witness/openapi-generator-java
}

# install_jars takes the packages of a pom.xml, which must be those that jars.sha256 beside it
# lists. The file "ready" says that they are whole.
install_jars() {
	lock=$PWD/$1/jars.sha256
	sum=$(sha256sum "$lock" | cut -c 1-16)
	place=${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro/java-$sum
	[ ! -e "$place/ready" ] || return 0
	echo "setup: installing Java packages into $place" >&2
	if have mvn && rm -rf "$place" && mkdir -p "$place" &&
		mvn -B -q -f "$1/pom.xml" "$copy_dependencies" -DoutputDirectory="$place" >&2 &&
		(export LC_ALL=C && cd "$place" && sha256sum -- *.jar | cmp - "$lock" >&2); then
		touch "$place/ready"
		return 0
	fi
	echo "setup: the Java packages of $lock are missing; the tests that need them are skipped" >&2
	if [ "${CI:-}" = true ]; then
		exit 1
	fi
}

# make_debian writes an archive of a minimal Debian 12 with systemd, curl and easy-rsa, once: its packages are
# those of the day on which it is made.
make_debian() {
	place=${XDG_CACHE_HOME:-$HOME/.cache}/chaveiro/debian-bookworm-2.tar
	[ ! -e "$place" ] || return 0
	echo "setup: making $place" >&2
	mkdir -p "${place%/*}"
	if have mmdebstrap && mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,ca-certificates,curl,easy-rsa,openssl \
		--aptopt='Acquire::Check-Valid-Until "false"' bookworm "$place.new.tar" >&2; then
		mv "$place.new.tar" "$place"
		return 0
	fi
	rm -f "$place.new.tar"
	echo "setup: there is no Debian to install packages in; the tests that need one are skipped" >&2
	if [ "${CI:-}" = true ]; then
		exit 1
	fi
}

# how_to_be_root prints the command prefix for running as root, and fails if there is none.
how_to_be_root() {
	have apt-get || return 1
	[ "$(id -u)" -ne 0 ] || return 0
	have sudo && sudo -n true 2>/dev/null && echo "sudo -n"
}

install_packages() {
	root=$1
	shift
	echo "setup: installing $*" >&2
	case " $* " in *" postgresql "*) suppress_default_cluster ;; esac
	$root apt-get update -qq -o DPkg::Lock::Timeout=300 >&2 || echo "setup: the package lists are not up to date" >&2
	$root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" >&2
	# Debian's packages start a service; the tests start their own.
	for service in pgbouncer prometheus; do
		case " $* " in *" $service "*) $root systemctl disable --now "$service" >/dev/null 2>&1 || true ;; esac
	done
	case " $* " in *" exim4-daemon-light "*) $root systemctl disable --now exim4 >/dev/null 2>&1 || true ;; esac
}

# Debian's package creates a cluster and starts it; the tests start their own.
# The setting is needed only while the package is configured and removed after,
# so that it does not affect the installation of another version later.
suppress_default_cluster() {
	trap '$root rm -f "$drop_in"' EXIT
	trap 'exit 1' HUP INT TERM
	$root mkdir -p "${drop_in%/*}"
	echo "create_main_cluster = false" | $root tee "$drop_in" >/dev/null
}

report() {
	packages=$(echo "$1" | tr '\n' ' ')
	echo "setup: missing Debian packages: $packages" >&2
	echo "setup: install them with: apt-get install --no-install-recommends $packages" >&2
	if [ "${CI:-}" = true ]; then
		exit 1
	fi
	echo "setup: without them, the tests that need them are skipped" >&2
}

main "$@"
