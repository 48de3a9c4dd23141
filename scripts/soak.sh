#!/usr/bin/env bash
# Random layers on random engines for as long as there is time: fixed engines of any layer, and programmable ones with any
# limits, types and stages, told jobs of any pass early and late, with stalls, aborts and tiles. Every value is compared.
#
#   scripts/soak.sh [--minutes N] [--fresh]
#
# It goes on where the last run ended (target/soak/state); --fresh begins anew. A failure stops it and keeps what was said,
# with the seed that shows it again, in target/soak. Figures: docs/verification.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
minutes=60
folder=target/soak
while (($#)); do
    case $1 in
    --minutes) minutes=${2:?--minutes N} && shift ;;
    --fresh) rm -rf "$folder" ;;
    *) echo "scripts/soak.sh [--minutes N] [--fresh]" >&2 && exit 2 ;;
    esac
    shift
done
mkdir -p "$folder"
# Seeds of the tests themselves are below.
seed=1000 seconds=0 engines=0 layers=0 frames=0 cycles=0
if [[ -f $folder/state ]]; then
    # shellcheck disable=SC1091
    source "$folder/state"
fi
export BPA_CACHE_DIR=${BPA_CACHE_DIR:-$PWD/$folder/cache}
# A copy, so that what is built meanwhile is no part of this.
built=$(cargo test --quiet --locked --test engine --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
cp "$built" "$folder/engine"

round() { # round SEED: engines, layers, frames and cycles of a round, or what went wrong
    local log=$folder/round-$1.log
    if (($1 % 4 == 0)); then
        # Each layer is an engine of its own.
        PROPTEST_RNG_SEED=$1 PROPTEST_CASES=4 "$folder/engine" --nocapture --exact \
            random::random_layers_are_exact_and_on_time_0 >"$log" 2>&1
    else
        BPA_ENGINES_SEED=$1 BPA_ENGINES=1 BPA_ENGINES_CASES=300 "$folder/engine" --nocapture \
            --exact engines::engines_of_any_limits_are_exact >"$log" 2>&1
    fi || return 1
    awk -v fixed=$(($1 % 4 == 0)) '$1 == "exact:" { n++; layers += $2; frames += $4; cycles += $6 }
        END { print (fixed ? n : 1), layers + 0, frames + 0, cycles + 0 }' "$log"
    rm "$log"
}

end=$((SECONDS + 60 * minutes))
while ((SECONDS < end)); do
    begun=$SECONDS
    if ! counts=$(round "$seed"); then
        echo "round $seed fails: $folder/round-$seed.log" >&2
        exit 1
    fi
    read -r more_engines more_layers more_frames more_cycles <<<"$counts"
    ((engines += more_engines, layers += more_layers, frames += more_frames, cycles += more_cycles, seed += 1)) || true
    ((seconds += SECONDS - begun)) || true
    printf 'seed=%d seconds=%d engines=%d layers=%d frames=%d cycles=%d\n' \
        "$seed" "$seconds" "$engines" "$layers" "$frames" "$cycles" >"$folder/state.new"
    mv "$folder/state.new" "$folder/state"
    # Models are not needed twice.
    find "$BPA_CACHE_DIR" -maxdepth 1 -name 'model-*' -mmin +10 -exec rm -rf {} + 2>/dev/null || true
    echo "$((seconds / 60)) minutes: $engines engines, $layers layers, $frames frames, $cycles cycles, 0 mismatches"
done
