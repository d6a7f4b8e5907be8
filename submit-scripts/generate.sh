#!/usr/bin/env bash
# Continues a text with a language model.
#
#   submit-scripts/generate.sh --config FILE [--set key=value …] [-- spark-submit options …]
#   submit-scripts/generate.sh --help
set -euo pipefail
# shellcheck source=submit-scripts/lib/runtime.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/lib/runtime.sh"
sluice_submit io.sluice.jobs.GenerateJob "$@"
