#!/usr/bin/env bash
# Judges a model bundle against baselines: table, JSON, page.
#
#   submit-scripts/evaluate.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/evaluate.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.EvaluateJob "$@"
