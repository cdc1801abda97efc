# What runs on the router for one action of the driver, in one SSH exec. POSIX sh with flock, setsid, sha256sum.
#
# Started as: sh -c "$NAPALM_FRR_SIDE" napalm_frr VERB PATHSPACE [arguments], its input on stdin. Answers in sections,
# each headed by a line "--napalm_frr:NAME". Everything is written to files first and shown at the end, and HUP and
# PIPE are ignored: what was begun is finished although the connection dies.

umask 077
trap '' HUP PIPE
export LC_ALL=C PATH="${PATH:-/usr/bin:/bin}:/usr/local/bin:/usr/sbin:/sbin"
verb=$1 space=$2
shift 2
mark='--napalm_frr:'

say() { printf '%s%s\n' "$mark" "$1"; }
section() { say "$1"; cat "$2" 2>/dev/null; echo; }
finish() { say "$1"; say end; exit 0; }
vt() { vtysh ${space:+-N "$space"} "$@" </dev/null; }
boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }

# One directory per router and user; the name of the node is in it because home directories may be shared.
state() {
    for base in "${HOME:-/nonexistent}/.napalm_frr" "/var/tmp/napalm_frr-$(id -u)"; do
        [ -d "$base" ] || mkdir -m 700 "$base" 2>/dev/null
        if [ -d "$base" ] && [ ! -L "$base" ] && [ -O "$base" ] && [ -w "$base" ]; then
            dir=$base/$(uname -n)${space:+-$space}
            { [ -d "$dir" ] || mkdir -m 700 "$dir"; } && return
        fi
    done
    finish no-state
}

# The running configuration into $1 (after the commands that follow), whether all daemons are there into the head of it.
show() {
    into=$1
    shift
    vt "$@" -c 'show daemons' -c 'show watchfrr' -c 'show running-config no-header' >"$into" 2>"$into.err"
}

config() { awk 'on || /^frr version/ { on = 1; print }' "$1"; }
fingerprint() { config "$1" | sha256sum | cut -d' ' -f1; }
# Order, indentation and what vtysh says of itself apart.
settings() {
    config "$1" | awk '{ $1 = $1 } /^$/ || /^!/ || /^exit/ || /^end$/ || /^hostname / { next } { print }' |
        sort | sha256sum | cut -d' ' -f1
}

lock() { # seconds to wait
    exec 9>>"$dir/lock"
    flock -w "$1" 9 || finish locked
}

# A commit that waits for its confirmation: tag, boot, deadline, pid of the timer, message. None survives a reboot.
pending() {
    [ -s "$dir/pending" ] || return 1
    { read -r p_tag; read -r p_boot; read -r p_deadline; read -r p_pid; read -r p_message; } <"$dir/pending"
    [ "$p_boot" = "$(boot)" ] && return 0
    forget
    return 1
}
forget() { rm -f "$dir/pending" "$dir/commit."*; }
timer_lives() { [ -n "$p_pid" ] && tr '\0' '\n' 2>/dev/null <"/proc/$p_pid/cmdline" | grep -qx "$p_tag"; }
say_pending() {
    say waiting
    if pending; then
        timer=gone
        timer_lives && timer=$((p_deadline - $(date +%s)))
        printf '%s\n%s\n%s\n' "$p_tag" "$timer" "$p_message"
    fi
    section reverted "$dir/reverted"
}

troubles() { # stdout, stderr, exit code of vtysh -f: codes alone lie
    grep -E '^%|does not exist' "$1"
    grep -oE 'line [0-9]+: .*' "$2" # not always at the start: vtysh may have said other things before
    [ "$3" = 0 ] && return
    echo "vtysh ended with code $3:"
    cat "$1" "$2"
}

reread() { # into $1, after the clear commands in the part $2
    part=$dir/commit.$2
    set -- "$1"
    while IFS= read -r line; do
        [ -n "$line" ] && set -- "$@" -c "$line"
    done <"$part"
    show "$@"
}

undo() { # what became of it into commit.undone: "clean", "differs", and what FRR said
    vt -f "$dir/commit.undo" >"$dir/commit.undo.out" 2>"$dir/commit.undo.err"
    reread "$dir/commit.restored" undo-clear
    if [ "$(settings "$dir/commit.restored")" = "$(settings "$dir/commit.before")" ]; then
        echo clean
    else
        echo differs
        troubles "$dir/commit.undo.out" "$dir/commit.undo.err" 0
    fi >"$dir/commit.undone"
}

arm() { # tag, seconds, message
    setsid sh -c "$NAPALM_FRR_SIDE" napalm_frr expire "$space" "$1" "$2" \
        </dev/null >/dev/null 2>&1 9>&- &
    printf '%s\n%s\n%s\n%s\n%s\n' "$1" "$(boot)" "$(($(date +%s) + $2))" "$!" "$3" >"$dir/pending"
}
disarm() { timer_lives && kill -- "-$p_pid" 2>/dev/null; }

save() { # true when the startup configuration was written as one file
    vt -c 'write memory' >"$dir/save.out" 2>&1
    grep -q 'Integrated configuration saved' "$dir/save.out"
}

case $verb in
load) # stdin: the candidate
    state
    tmp=$dir/load.$$
    cat >"$tmp" || finish no-state
    show "$tmp.show" &
    vt -C -f "$tmp" >"$tmp.check" 2>&1
    code=$?
    wait
    section check "$tmp.check"
    say code
    echo "$code"
    section show "$tmp.show"
    section errors "$tmp.show.err"
    say fingerprint
    fingerprint "$tmp.show"
    rm -f "$tmp" "$tmp".*
    finish ok
    ;;
commit) # tag, fingerprint, settings wanted, seconds to revert in or 0, message; stdin: parts apply, clear, undo, undo-clear
    state
    tag=$1 seen=$2 wanted=$3 revert=$4 message=$5
    lock 0
    if pending; then
        say_pending
        finish pending
    fi
    rm -f "$dir/commit."* "$dir/reverted"
    awk -v at="$dir/commit." -v mark="$mark" \
        'index($0, mark) == 1 { part = at substr($0, length(mark) + 1); printf "" >part; next } { print >part }'
    [ -e "$dir/commit.end" ] || finish incomplete
    show "$dir/commit.before"
    if [ "$(fingerprint "$dir/commit.before")" != "$seen" ]; then
        section show "$dir/commit.before"
        section errors "$dir/commit.before.err"
        forget
        finish stale
    fi
    logger -t napalm_frr -- "commit $tag by $(id -un): $message" 2>/dev/null 9>&- &
    [ "$revert" = 0 ] || arm "$tag" "$revert" "$message"
    vt -f "$dir/commit.apply" >"$dir/commit.out" 2>"$dir/commit.err"
    troubles "$dir/commit.out" "$dir/commit.err" "$?" >"$dir/commit.troubles"
    result=ok
    if [ -s "$dir/commit.troubles" ]; then
        result=refused
        show "$dir/commit.after"
    else
        reread "$dir/commit.after" clear
        [ "$(settings "$dir/commit.after")" = "$wanted" ] || result=mismatch
    fi
    if [ "$result" = ok ] && [ "$revert" = 0 ] && ! save; then
        result=unsaved
        section saved "$dir/save.out"
    fi
    section show "$dir/commit.after"
    section errors "$dir/commit.after.err"
    say fingerprint
    fingerprint "$dir/commit.after"
    if [ "$result" != ok ]; then
        undo
        section troubles "$dir/commit.troubles"
        section undone "$dir/commit.undone"
        if [ "$revert" != 0 ] && pending; then disarm; fi
        [ "$result" = unsaved ] && save
        forget
    fi
    [ "$revert" = 0 ] && forget
    finish "$result"
    ;;
expire) # tag, seconds
    state
    sleep "$2"
    exec 9>>"$dir/lock"
    flock 9
    if pending && [ "$p_tag" = "$1" ]; then
        undo
        { date -u +%Y-%m-%dT%H:%M:%SZ; cat "$dir/commit.undone"; } >"$dir/reverted"
        logger -t napalm_frr -- "commit $1 was not confirmed within $2 s: reverted ($(head -n 1 "$dir/commit.undone"))" 2>/dev/null
        forget
    fi
    ;;
confirm)
    state
    lock 30
    say_pending
    pending || finish none
    if ! save; then
        section saved "$dir/save.out"
        finish unsaved
    fi
    disarm
    forget
    finish ok
    ;;
rollback)
    state
    lock 30
    say_pending
    pending || finish none
    disarm
    undo
    section undone "$dir/commit.undone"
    section show "$dir/commit.restored"
    forget
    finish ok
    ;;
pending)
    state
    say_pending
    finish ok
    ;;
esac
