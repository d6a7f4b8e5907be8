#!/usr/bin/env bash
# Tells Spark which NVIDIA GPUs a machine or a container has, one line of JSON:
#
#   {"name":"gpu","addresses":["0","1"]}
#
# For spark.worker.resource.gpu.discoveryScript (standalone) and
# spark.executor.resource.gpu.discoveryScript; README.md here has an example. Addresses are numbers
# from 0, as CUDA numbers the GPUs that CUDA_VISIBLE_DEVICES leaves to a process.
set -euo pipefail

if ! command -v nvidia-smi > /dev/null; then
  printf '%s\n' "discover-gpus.sh: nvidia-smi is not on PATH of $(hostname), so its GPUs cannot be counted. Install the NVIDIA driver (580 or newer) there, or leave spark.worker.resource.gpu.amount and spark.executor.resource.gpu.amount unset on machines without a GPU." >&2
  exit 1
fi
if ! listed=$(nvidia-smi --query-gpu=index --format=csv,noheader 2>&1); then
  printf '%s\n' "discover-gpus.sh: nvidia-smi failed on $(hostname): $listed. Look at the driver (dmesg, Xid), or leave this machine out." >&2
  exit 1
fi

count=0
while IFS= read -r line; do
  case $line in
    *[0-9]*) count=$((count + 1)) ;;
  esac
done <<< "$listed"

# what CUDA shows to a process, it numbers from 0 again
if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then
  visible=0
  IFS=, read -r -a devices <<< "${CUDA_VISIBLE_DEVICES:-}"
  for device in ${devices[@]+"${devices[@]}"}; do
    case $device in
      '' | -*) break ;;
      *) visible=$((visible + 1)) ;;
    esac
  done
  if [ "$visible" -lt "$count" ]; then
    count=$visible
  fi
fi
if [ "$count" = 0 ]; then
  printf '%s\n' "discover-gpus.sh: $(hostname) has no GPU, or CUDA_VISIBLE_DEVICES hides all of them. Leave spark.worker.resource.gpu.amount and spark.executor.resource.gpu.amount unset there." >&2
  exit 1
fi

addresses=
for ((number = 0; number < count; number++)); do
  addresses+="${addresses:+,}\"$number\""
done
printf '{"name":"gpu","addresses":[%s]}\n' "$addresses"
