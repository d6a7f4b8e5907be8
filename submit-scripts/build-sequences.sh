#!/usr/bin/env bash
# Cuts raw telemetry into a sequence dataset.
#
#   submit-scripts/build-sequences.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/build-sequences.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.BuildSequencesJob "$@"
