#!/bin/sh
# Checks a release and builds it into dist/: for each architecture the static program, the
# packages of Debian and RPM, an image and its bill of materials; the chart, the checksums,
# and the notes of the version from CHANGELOG.md. It publishes nothing; at the end it prints
# the command that makes the tag.
set -eu

main() {
	version=$1
	cd "$(dirname "$0")/.."
	case $version in
	v[0-9]*.[0-9]*.[0-9]*) ;;
	*) fail "give the version: make release VERSION=v1.2.3" ;;
	esac
	[ -z "$(git status --porcelain)" ] || fail "the working tree has uncommitted changes"
	! git rev-parse -q --verify "refs/tags/$version" >/dev/null || fail "the tag $version exists already"
	notes=$(notes_of "${version#v}")
	[ -n "$notes" ] || fail "CHANGELOG.md has no section [${version#v}], or it is empty"
	[ -n "${SKIP_TESTS:-}" ] || make --no-print-directory test
	build "$version"
	printf '%s\n' "$notes" >dist/NOTES.md
	ls -l dist
	echo "Nothing is published. To make the tag: git tag -a $version -F dist/NOTES.md"
}

# build builds in a clone that has the tag already, so that the program knows its version.
build() {
	clone=$(mktemp -d)
	trap 'rm -rf "$clone"' EXIT
	git clone -q . "$clone/chaveiro"
	git -C "$clone/chaveiro" tag "$1"
	rm -rf dist
	out=$PWD/dist
	(cd packaging && "${GO:-go}" run . -version "$1" -source "$clone/chaveiro" -out "$out")
}

# notes_of prints the section of a version in CHANGELOG.md, without its heading.
notes_of() {
	awk -v version="$1" '
		/^## / { inside = index($0, "## [" version "]") == 1; next }
		inside && (NF || seen) { seen = 1; print }
	' CHANGELOG.md
}

fail() {
	echo "release: $1" >&2
	exit 1
}

main "${1:-}"
