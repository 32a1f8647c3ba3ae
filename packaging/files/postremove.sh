#!/bin/sh
# After the files are gone. dpkg calls it with "remove", "purge" or "upgrade", rpm with the number
# of versions that stay. No step of a package deletes keys: whoever purges by mistake can install
# again and go on.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
case $1 in
purge | 0)
	if [ -d /var/lib/chaveiro ] && [ -n "$(ls -A /var/lib/chaveiro)" ]; then
		echo "chaveiro: the keys and the database stay in /var/lib/chaveiro. To delete them for ever:" >&2
		echo "chaveiro:   rm -r /var/lib/chaveiro && userdel chaveiro" >&2
	fi
	;;
esac
