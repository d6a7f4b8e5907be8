#!/usr/bin/env bash
# Simulates a plant: a historian table, a wide table and the events.
#
#   submit-scripts/simulate.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/simulate.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.SimulateJob "$@"
