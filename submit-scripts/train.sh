#!/usr/bin/env bash
# Trains a stacked LSTM on a sequence dataset and publishes a model bundle.
#
#   submit-scripts/train.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/train.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.TrainJob "$@"
