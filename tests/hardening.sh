#!/usr/bin/env bash
# How the program was compiled and linked: what makes a memory error hard to exploit is really in the files. Prints TAP.
set -u

if [ "${PENSTOCK_HARDENING:-yes}" != yes ]; then
    echo "1..0 # SKIP built without hardening (a sanitizer, or --disable-hardening)"
    exit 0
fi
if ! command -v readelf >/dev/null; then
    echo "1..0 # SKIP readelf is missing (package binutils)"
    exit 0
fi

number=0
status=0
program=${PENSTOCK:?the program to look at}
headers=$(readelf -W -h -l -d "$program") || exit 1
symbols=$(readelf -W --syms "$program" "${program%/*}/src/libpenstock.a") || exit 1

# Says whether $2 (the text) has a line that matches $3.
expect()
{
    number=$((number + 1))
    if grep -qE "$3" <<<"$2"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        status=1
    fi
}

echo "1..6"
expect "the program is position independent" "$headers" '^ +Type: +DYN .*(Position-Independent|PIE)'
expect "relocated data is read-only: RELRO" "$headers" '^ +GNU_RELRO '
expect "everything is bound at start: BIND_NOW" "$headers" '\((FLAGS|FLAGS_1|BIND_NOW)\).*(BIND_)?NOW'
expect "the stack is not executable" "$headers" '^ +GNU_STACK .* RW +0x'
expect "stacks are guarded: stack protector" "$symbols" ' __stack_chk_fail(@|$)'
expect "library calls are checked: _FORTIFY_SOURCE" "$symbols" ' __[a-z]+_chk(@|$)'
exit $status
