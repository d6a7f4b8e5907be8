#!/usr/bin/env bash
# Writes predictions for new raw data to the lake.
#
#   submit-scripts/score.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/score.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.ScoreJob "$@"
