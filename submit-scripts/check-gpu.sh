#!/usr/bin/env bash
# Checks and times the GPU's recurrent layers on a machine that has one.
#
#   submit-scripts/check-gpu.sh --pack FOLDER    collects what a machine without this project needs
#   submit-scripts/check-gpu.sh [option …]       checks and times here
#   FOLDER/check-gpu.sh [option …]               the same on the machine that FOLDER was copied to
#
# Options are GpuCheck's (--help lists them); without any: --check --time, beside PyTorch where
# python3 has it. Needs a Java 17 runtime (JAVA_HOME, FOLDER/jre, or on PATH), an NVIDIA driver 580
# or newer, and CUDA 13 and cuDNN 9 on LD_LIBRARY_PATH or in Python's packages (nvidia-…). Golden
# cases are those of the folder SLUICE_REFERENCE, or FOLDER/reference.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

# pack FOLDER: jars, this script and PyTorch's
pack() {
  local to=$1 root
  root=$(dirname "$here")
  mkdir -p "$to/jars"
  to=$(cd "$to" && pwd -P)
  (cd "$root" && ./mvnw -q -B -ntp -pl lib/recurrent -am -DskipTests package dependency:copy-dependencies \
    -DincludeArtifactIds=javacpp,cuda,jackson-databind,jackson-core,jackson-annotations,picocli,slf4j-api \
    -DincludeScope=runtime -DoutputDirectory="$to/jars")
  cp "$root"/lib/recurrent/target/sluice-recurrent-*.jar "$to/jars/"
  cp "$here/check-gpu.sh" "$here/check-gpu-torch.py" "$to/"
  if [ -d "${SLUICE_REFERENCE:-}" ]; then
    mkdir -p "$to/reference"
    cp "$SLUICE_REFERENCE"/*.json "$to/reference/"
  fi
}

if [ "${1:-}" = --pack ]; then
  [ $# = 2 ] || { printf 'check-gpu.sh --pack needs the folder to fill.\n' >&2; exit 2; }
  pack "$2"
  exit
fi

folder=$here
if [ ! -d "$folder/jars" ]; then
  folder=$(dirname "$here")/lib/recurrent/target/check-gpu
  pack "$folder"
fi

java=java
if [ -n "${JAVA_HOME:-}" ]; then
  java=$JAVA_HOME/bin/java
elif [ -x "$folder/jre/bin/java" ]; then
  java=$folder/jre/bin/java
fi

# CUDA's and cuDNN's libraries as Python's wheels bring them
if command -v python3 > /dev/null; then
  wheels=$(python3 - <<'PYTHON' 2> /dev/null || true
import glob, os, site, sys
roots = site.getsitepackages() + sys.path
print(":".join(dict.fromkeys(p for r in roots for p in glob.glob(os.path.join(r, "nvidia", "*", "lib")))))
PYTHON
  )
  [ -z "$wheels" ] || export LD_LIBRARY_PATH="$wheels${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
# where containers find the driver
for driver in /usr/local/nvidia/lib64 /usr/local/nvidia/lib; do
  [ ! -e "$driver/libcuda.so.1" ] || export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$driver"
done

export SLUICE_REFERENCE=${SLUICE_REFERENCE:-$folder/reference}
[ -d "$SLUICE_REFERENCE" ] || unset SLUICE_REFERENCE
if [ $# = 0 ]; then
  set -- --check --time
  if python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then
    set -- "$@" "--torch=$folder/check-gpu-torch.py"
  fi
fi
# pathsFirst: LD_LIBRARY_PATH before /usr/local/cuda
exec "$java" -Dorg.bytedeco.javacpp.pathsFirst=true -cp "$folder/jars/*" io.sluice.recurrent.cuda.GpuCheck "$@"
