#!/usr/bin/env bash
# build-sequences, train, evaluate and score of one experiment, of telemetry or text, in one Spark session.
#
#   submit-scripts/pipeline.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/pipeline.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.PipelineJob "$@"
