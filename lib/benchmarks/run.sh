#!/usr/bin/env bash
# Builds what is missing and runs one benchmark.
#
#   lib/benchmarks/run.sh NAME [--record] [argument …]
#
# NAME is read-back, naive-windows, storage, long-series, segment-shape, scoring, vocabulary,
# feeding, text-preparation, all-reduce, all-reduce-sizes, dl4j-master, scaling, sharing-peers,
# pipeline, convergence, cost-model, soak, accuracy, recurrent, language-model or long-memory (the
# last five list their options with --help).
# --record keeps the result in lib/benchmarks/results. SLUICE_BENCHMARK_HEAP is the heap (others: 4g;
# long-series and text-preparation: 2g whatever it says). Run it on a machine that does nothing else;
# only long-memory, convergence, accuracy and cost-model compare no times.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$(dirname "$here")")

heap=${SLUICE_BENCHMARK_HEAP:-4g}
profiles=()
modules=lib/benchmarks
case ${1:-} in
  read-back) class=ReadBackBenchmark ;;
  naive-windows) class=NaiveWindowsBenchmark ;;
  storage) class=StorageBenchmark ;;
  long-series) class=LongSeriesBenchmark heap=2g ;;
  segment-shape) class=SegmentShapeBenchmark ;;
  scoring) class=ScoringBenchmark ;;
  long-memory) class=longmemory.LongMemoryBenchmark ;;
  vocabulary) class=VocabularyBenchmark ;;
  feeding) class=FeedingBenchmark ;;
  text-preparation) class=TextPreparationBenchmark heap=2g ;;
  all-reduce) class=AllReduceBenchmark ;;
  recurrent) class=recurrent.RecurrentBenchmark profiles=(-Plibtorch) ;;
  language-model) class=recurrent.LanguageModelBenchmark profiles=(-Plibtorch) ;;
  all-reduce-sizes) class=AllReduceSizesBenchmark ;;
  scaling) class=training.ScalingBenchmark modules=lib/benchmarks,jobs ;;
  sharing-peers) class=training.PeersBenchmark modules=lib/benchmarks,jobs ;;
  pipeline) class=training.PipelineBenchmark modules=lib/benchmarks,jobs ;;
  convergence) class=training.ConvergenceBenchmark modules=lib/benchmarks,jobs ;;
  accuracy) class=training.AccuracyBenchmark modules=lib/benchmarks,jobs ;;
  cost-model) class=training.CostModel ;;
  soak) class=training.Soak modules=lib/benchmarks,jobs ;;
  dl4j-master) class=recurrent.MasterBenchmark ;;
  *)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
shift
options=()
if [ "${1:-}" = --record ]; then
  options+=("-Dsluice.benchmarks.record=$here/results")
  shift
fi

(cd "$root" && ./mvnw -q -B -ntp ${profiles[@]+"${profiles[@]}"} -pl "$modules" -am -DskipTests package) >&2
read -r -d '' -a jvm < "$here/target/jvm-options" || true
export OMP_NUM_THREADS=1
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" "${jvm[@]}" "-Xmx$heap" \
  "-Dlog4j2.configurationFile=$root/submit-scripts/conf/log4j2.properties" \
  "-Dsluice.benchmarks.scripts=${SLUICE_BENCHMARK_SCRIPTS:-$root/submit-scripts}" \
  "-Dsluice.benchmarks.results=$here/results" \
  "-Dsluice.benchmarks.libtorch=$here/target/libtorch" \
  ${options[@]+"${options[@]}"} \
  -cp "$here/target/classes:$(cat "$here/target/class-path")" "io.sluice.benchmarks.$class" "$@"
