#!/bin/sh
# Compare LIBRARY with BASELINE: abidiff.sh LIBRARY HEADERS BASELINE
#
# To take over an intended change (script/test builds the library there):
#   tests/abi/abidiff.sh --update build-test/gcc/lib/libvmprof.so.0 include \
#       tests/abi/libvmprof-x86_64.abi
set -eu
update=no
if [ "$1" = --update ]; then
    update=yes
    shift
fi
library=$1 headers=$2 baseline=$3
new=$(mktemp)
trap 'rm -f "$new"' EXIT
"${ABIDW:-abidw}" --headers-dir "$headers" --drop-private-types \
    --no-show-locs --no-corpus-path --no-comp-dir-path \
    --out-file "$new" "$library"
# Without debug information only names would be compared, and that passes.
grep -q '<abi-instr' "$new" || {
    echo "no debug information in $library" >&2
    exit 1
}
if [ $update = yes ]; then
    cp "$new" "$baseline"
    exit 0
fi
[ -f "$baseline" ] || {
    echo "there is no baseline $baseline" >&2
    exit 1
}
"${ABIDIFF:-abidiff}" --harmless "$baseline" "$new"
