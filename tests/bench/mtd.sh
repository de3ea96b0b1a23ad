# What the benches on the magnetic-tile pictures share; sourced with $assay and $shared set.
if [ ! -d "$shared/data/mtd" ] || [ ! -f "$shared/teacher/mobilenet_v1_1.0.safetensors" ]; then
    echo "$0: $shared has no data/mtd and teacher (development data, not part of the repository): nothing measured" >&2
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Groups: sorted by the number in the file name; a new tile begins where the
# number of the exposure does not rise.
{
    echo path,verdict,class,severity,mask,group
    find "$shared/data/mtd" -name 'exp*_num_*.jpg' |
        sed -n 's|^\(.*/MT_\([A-Za-z]*\)/Imgs/exp\([0-9]*\)_num_\([0-9]*\)\.jpg\)$|\4 \3 \2 \1|p' | sort -n -k1,1 -k2,2 |
        awk '{ if (NR == 1 || $2 <= last) group++; last = $2
               verdict = $3 == "Free" ? "normal" : "defect"
               print $4 "," verdict "," (verdict == "defect" ? $3 : "") ",,,tile-" group }'
} >"$work/truth.csv"
find "$shared/data/mtd" -name '*.jpg' | sort >"$work/list"

# project BASE SIDE: a fresh screened project below $work, pictures squashed; becomes the working folder.
project() {
    cd "$work"
    rm -rf p
    "$assay" init p --base "$1" >/dev/null
    cd p
    "$assay" scene main --squash --size "$2" >/dev/null
    tr '\n' '\0' <"$work/list" | xargs -0 -n 5000 "$assay" add --json >/dev/null
    "$assay" add --truth "$work/truth.csv" --json >/dev/null
    "$assay" screen --json >/dev/null
}
