#!/bin/sh
# After the files are in place. dpkg calls it with "configure" and the version before, rpm with the
# number of versions that are installed now. It makes the account and its directory, and starts
# again only what runs: a new installation starts nothing before it is configured.
set -e

main() {
	case $1 in
	configure) [ -z "${2:-}" ] || upgraded=yes ;;
	[2-9]*) upgraded=yes ;;
	1) ;;
	*) exit 0 ;; # abort-upgrade, abort-remove
	esac
	make_account
	make_directories
	[ -d /run/systemd/system ] || return 0
	systemctl daemon-reload || true
	[ -z "${upgraded:-}" ] || restart chaveiro.service chaveiro-agent.service
}

make_account() {
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers chaveiro.conf
	fi
	getent group chaveiro >/dev/null || groupadd --system chaveiro
	getent passwd chaveiro >/dev/null ||
		useradd --system --gid chaveiro --home-dir /var/lib/chaveiro --no-create-home --shell /usr/sbin/nologin \
			--comment "Chaveiro, keys of a network" chaveiro
}

# Both are made here and belong to no package, so that no removal takes them away.
make_directories() {
	[ -d /var/lib/chaveiro ] || install -d -m 0700 -o chaveiro -g chaveiro /var/lib/chaveiro
	[ "$(stat -c %G /etc/chaveiro)" != root ] || chgrp chaveiro /etc/chaveiro
	if [ -e /etc/chaveiro/chaveiro.yaml ] && [ "$(stat -c %G /etc/chaveiro/chaveiro.yaml)" = root ]; then
		chgrp chaveiro /etc/chaveiro/chaveiro.yaml
	fi
}

# restart starts again those of the services that run. On Debian policy-rc.d may say no.
restart() {
	if command -v deb-systemd-invoke >/dev/null; then
		deb-systemd-invoke try-restart "$@" || true
	else
		systemctl try-restart "$@" || true
	fi
}

main "$@"
