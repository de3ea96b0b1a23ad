# For scripts about rounds of training: what they say, and workers that are stopped where a test wants them.
# Sourced; ASSAY and $work are set; the working folder is the project's.
trouble=$(dirname "$ASSAY")/trouble
n=0
check() {
    n=$((n + 1))
    if eval "$2"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        for f in "$work/out" "$work/err" "$work/log" cache/worker.log; do [ -f "$f" ] && sed "s/^/# /" "$f" | cut -c 1-300 | tail -4; done
    fi
}
ends() {
    want=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null
    [ $? = "$want" ]
}
said() { grep -q -- "$1" "$work/out"; }
refused() { grep -q -- "$1" "$work/err"; }
# within TRIES CONDITION: a twentieth of a second lies between two
within() {
    i=0
    until eval "$2"; do
        i=$((i + 1))
        [ $i -lt "$1" ] || return 1
        sleep 0.05
    done
}
eventually() { within 1200 "$1"; }
state() { "$ASSAY" train --status --json 2>/dev/null | grep -q "\"state\":\"$1\""; }
# The process of the worker in this folder, if any.
worker() {
    for d in /proc/[0-9]*; do
        [ "$(readlink "$d/cwd" 2>/dev/null)" = "$PWD" ] && tr '\0' ' ' <"$d/cmdline" 2>/dev/null | grep -q "assay worker" && basename "$d"
    done | head -1
}
# Hundredths of a second of processor time that $pid took.
ticks() {
    read -r line <"/proc/$pid/stat" 2>/dev/null || return 1
    set -- ${line##*) }
    echo $((${12} + ${13}))
}
# catch, caught: the next worker, another one than was caught last, is stopped as soon as it has entered itself; its number is in $pid.
last=0
catch() {
    "$trouble" project.db catch $last >"$work/pid" 2>/dev/null &
    catcher=$!
}
caught() {
    wait $catcher
    pid=$(cat "$work/pid")
    last=${pid:-0}
}
# begin COMMAND: the worker that it starts is caught.
begin() {
    catch
    "$@" >"$work/out" 2>"$work/err" </dev/null
    caught
}
# halt STAGE [CONDITION]: the worker in $pid runs in slices of some hundredths of a second between which it stands still, so that no
# machine is too fast to be caught there, nor too slow. Leaves it standing, where a condition is given once it holds there; fails where
# the round ended first.
halt() {
    i=0
    while [ $i -lt 1000 ] && [ -n "$pid" ] && kill -STOP "$pid" 2>/dev/null; do
        i=$((i + 1))
        "$ASSAY" train --status --json >"$work/status" 2>/dev/null
        grep -q "\"state\":\"running\".*\"stage\":\"$1\"" "$work/status" && eval "${2:-:}" && return 0
        grep -q '"state":"\(running\|queued\)"' "$work/status" || return 1
        from=$(ticks) k=0
        kill -CONT "$pid" 2>/dev/null
        while [ $k -lt 40 ] && now=$(ticks) && [ $((now - from)) -lt 4 ]; do
            k=$((k + 1))
            sleep 0.02
        done
    done
    return 1
}
