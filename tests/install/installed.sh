#!/bin/sh
# installed.sh BUILD SOURCE PREFIX: install below a scratch directory and use
# what lies there as a stranger would, by pkg-config alone. Prints TAP.
set -u
build=$1 source=$2 prefix=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
log=$scratch/log
number=0

# check NAME COMMAND...: one line of TAP.
check()
{
    number=$((number + 1))
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$log"
    fi
}

skip()
{
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

install_it()
{
    DESTDIR=$root meson install -C "$build" --no-rebuild
}

# compile OUTPUT PACKAGES SOURCE...
compile()
{
    output=$1 packages=$2
    shift 2
    # shellcheck disable=SC2046,SC2086 # one word each
    $CC -Wall -Wextra -Werror -O2 -o "$scratch/$output" "$@" \
        $(pkg-config --cflags --libs $packages) -lm
}

compile_static()
{
    output=$1
    shift
    # shellcheck disable=SC2046 # one word each
    $CC -O2 -o "$scratch/$output" "$@" $(pkg-config --cflags vmprof) \
        "$library/libvmprof.a" $(pkg-config --static --libs-only-other vmprof) \
        -pthread -lm
}

is_profile()
{
    [ -s "$1" ] && [ "$(head -c 4 "$1" | od -An -tx1)" = ' 8e 56 4d 50' ]
}

# leaves_profile PROGRAM: hello writes hello.vmprof where it runs.
leaves_profile()
{
    rm -f "$scratch/hello.vmprof"
    (cd "$scratch" && timeout 60 "./$1") && is_profile "$scratch/hello.vmprof"
}

# reports WORD COMMAND...: it succeeds and prints WORD.
reports()
{
    word=$1
    shift
    "$@" >"$scratch/report" && grep -q "$word" "$scratch/report"
}

needs_only_libc()
{
    ! ldd "$library/libvmprof.so.0" |
        grep -vE 'libc\.so|libgcc_s|ld-linux|linux-vdso'
}

install_it >"$log" 2>&1 || {
    sed 's/^/# /' "$log"
    echo 'Bail out! meson install failed'
    exit 1
}
pc=$(find "$root" -name vmprof.pc)
library=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$root
LD_LIBRARY_PATH=$library
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH

check 'the library needs nothing but libc' \
    needs_only_libc
check 'hello builds by pkg-config alone' \
    compile hello vmprof "$source/examples/hello.c"
check 'hello leaves a profile' leaves_profile hello
check 'hello builds with the static library' \
    compile_static hello-static "$source/examples/hello.c"
check 'and leaves a profile' leaves_profile hello-static
check 'the toy VM builds by pkg-config alone' \
    compile toyvm 'vmprof-autostart vmprof' -DHAVE_AUTOSTART -pthread \
    "$source"/examples/toyvm/*.c

# The VM of the tests, with a program: what RPython's C needs.
check 'a VM in the shape of RPython builds by pkg-config rvmprof alone' \
    compile fakevm rvmprof -D_GNU_SOURCE -pthread -I"$source/tests/support" \
    "$source"/tests/rvmprof/installed.c "$source"/tests/rvmprof/vm.c \
    "$source"/tests/rvmprof/codemap.c
check 'and profiles itself' \
    timeout 60 "$scratch/fakevm" "$scratch/fakevm.prof"

vmprof=$root$prefix/bin/vmprof
toy=$source/examples/toyvm/programs/shares.toy
if [ -x "$vmprof" ]; then
    check 'the command reports on hello' "$vmprof" report "$scratch/hello.vmprof"
    check 'and on the VM in the shape of RPython' \
        reports 'installed' "$vmprof" report "$scratch/fakevm.prof"
    check 'it records the toy VM' timeout 60 "$vmprof" \
        record -o "$scratch/toy.vmprof" -- "$scratch/toyvm" "$toy" 1
    check 'and reports on it' \
        reports 'half' "$vmprof" report "$scratch/toy.vmprof"
else
    skip 'the command records and reports' 'it was not built'
fi
# records_lua VARIABLE COMMAND: where its module is, below the scratch root and
# so not where it was configured to be.
records_lua()
{
    directory=$(basename "$2" 5.4)
    module=$(find "$root" -path "*/$directory/*" -name vmprof.so)
    if [ -n "$module" ] && [ -x "$vmprof" ] && command -v "$2" >/dev/null; then
        check "it records a program of $2 that knows nothing of it" \
            env -u LD_LIBRARY_PATH "$1=$module" \
            timeout 60 "$vmprof" record -o "$scratch/$2.vmprof" -- \
            "$2" "$source/examples/lua/shares.lua" 1
        check 'and reports on that' \
            reports 'half' "$vmprof" report "$scratch/$2.vmprof"
    else
        skip "$2 is profiled" 'the shim was not built'
    fi
}
records_lua VMPROF_LUA_MODULE lua5.4
records_lua VMPROF_LUAJIT_MODULE luajit
echo "1..$number"
