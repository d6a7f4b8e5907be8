# shellcheck shell=bash
# The runtime all scripts share: finds Java, builds what is missing, assembles the embedded Spark
# once, and hands a job to spark-submit. Sourced, never run; README.md here lists the variables.
#
#   sluice_submit CLASS [job options …] [-- spark-submit options …]
#
# Written for bash 3.2, the one macOS has.

SLUICE_SPARK_VERSION=3.5.7
SLUICE_SCALA_BINARY=2.12
SLUICE_JAVA_MIN=17

SLUICE_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
SLUICE_HOME=$(dirname "$SLUICE_SCRIPTS")

sluice_say() {
  printf 'sluice: %s\n' "$*" >&2
}

# sluice_die STATUS MESSAGE…
sluice_die() {
  local status=$1
  shift
  printf '%s\n' "$*" >&2
  exit "$status"
}

# ---------------------------------------------------------------------------------------- Java

# Sets SLUICE_JAVA, or explains what to install.
sluice_find_java() {
  local version major
  if [ -n "${JAVA_HOME:-}" ]; then
    SLUICE_JAVA=$JAVA_HOME/bin/java
    [ -x "$SLUICE_JAVA" ] || sluice_die 2 \
      "JAVA_HOME is $JAVA_HOME, which has no bin/java. Set it to a JDK $SLUICE_JAVA_MIN (for example from https://adoptium.net), or unset it to use the java on PATH."
  else
    SLUICE_JAVA=$(command -v java) || sluice_die 2 \
      "No Java found: JAVA_HOME is not set and there is no java on PATH. Install a JDK $SLUICE_JAVA_MIN (Debian, Ubuntu: apt install openjdk-17-jdk-headless; macOS: brew install openjdk@17; others: https://adoptium.net) and set JAVA_HOME."
  fi
  version=$("$SLUICE_JAVA" -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p' | head -n 1)
  major=${version%%[!0-9]*}
  if [ "$major" = 1 ]; then # 1.8.0_392 is Java 8
    major=${version#1.}
    major=${major%%[!0-9]*}
  fi
  if [ -z "$major" ] || [ "$major" -lt "$SLUICE_JAVA_MIN" ]; then
    sluice_die 2 \
      "$SLUICE_JAVA is Java ${version:-of an unknown version}, and Sluice needs $SLUICE_JAVA_MIN. Install a JDK $SLUICE_JAVA_MIN (Debian, Ubuntu: apt install openjdk-17-jdk-headless; macOS: brew install openjdk@17; others: https://adoptium.net) and set JAVA_HOME to it."
  fi
}

# --------------------------------------------------------------------------------------- build

# sluice_maven WHAT ARGUMENTS…: runs the wrapper, quietly; its output goes to standard error.
sluice_maven() {
  local what=$1 log
  shift
  [ -w "$SLUICE_HOME" ] || sluice_die 1 \
    "Cannot build $what: $SLUICE_HOME is read-only. Build it once where it is writable: ./mvnw -DskipTests package"
  [ -x "$(dirname "$SLUICE_JAVA")/javac" ] || command -v javac > /dev/null || sluice_die 2 \
    "Cannot build $what: $SLUICE_JAVA belongs to a runtime without a compiler. Install a JDK $SLUICE_JAVA_MIN and set JAVA_HOME to it."
  sluice_say "building $what (once; the first time downloads dependencies, some minutes) …"
  log=$(mktemp "${TMPDIR:-/tmp}/sluice-build.XXXXXX")
  if ! (cd "$SLUICE_HOME" && ./mvnw -q -B -DskipTests "$@") > "$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    sluice_die 1 "Could not build $what; Maven's output is above."
  fi
  rm -f "$log"
}

# Holds .runtime/lock, so that two scripts started at once do not build into each other.
sluice_lock() {
  local lock=$SLUICE_HOME/.runtime/lock waited=0 holder
  mkdir -p "$SLUICE_HOME/.runtime" 2> /dev/null || sluice_die 1 \
    "Cannot prepare the embedded Spark: $SLUICE_HOME is read-only. Run any job script once where it is writable, or set SPARK_HOME."
  until mkdir "$lock" 2> /dev/null; do
    holder=$(cat "$lock/pid" 2> /dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2> /dev/null; then
      rm -rf "$lock"
      continue
    fi
    [ $((waited % 30)) -ne 0 ] || sluice_say "waiting for another build (process ${holder:-unknown}) …"
    sleep 1
    waited=$((waited + 1))
  done
  echo $$ > "$lock/pid"
}

sluice_unlock() {
  rm -rf "$SLUICE_HOME/.runtime/lock"
}

# Sets SLUICE_JAR to the uber jar, building it where there is none.
sluice_find_jar() {
  if [ -n "${SLUICE_JAR:-}" ]; then
    [ -r "$SLUICE_JAR" ] || sluice_die 2 "SLUICE_JAR is $SLUICE_JAR, which cannot be read. Set it to the uber jar, or unset it."
    return
  fi
  sluice_newest_jar
  if [ -n "$SLUICE_JAR" ] && ! sluice_is_stale "$SLUICE_JAR"; then
    return
  fi
  sluice_lock
  sluice_newest_jar
  if [ -z "$SLUICE_JAR" ] || sluice_is_stale "$SLUICE_JAR"; then
    sluice_maven "the job jar" -pl jobs -am package
    sluice_newest_jar
  fi
  sluice_unlock
}

sluice_newest_jar() {
  local jar
  SLUICE_JAR=
  for jar in "$SLUICE_HOME"/jobs/target/sluice-[0-9]*.jar; do
    if [ -f "$jar" ] && { [ -z "$SLUICE_JAR" ] || [ "$jar" -nt "$SLUICE_JAR" ]; }; then
      SLUICE_JAR=$jar
    fi
  done
}

# True where a source is newer than the jar and the jar can be rebuilt.
sluice_is_stale() {
  local newer
  [ -w "$SLUICE_HOME" ] || return 1
  newer=$(find "$SLUICE_HOME/pom.xml" "$SLUICE_HOME/conf/reference.conf" \
    "$SLUICE_HOME"/lib/*/pom.xml "$SLUICE_HOME"/lib/*/src/main "$SLUICE_HOME/jobs/pom.xml" \
    "$SLUICE_HOME/jobs/src/main" -type f -newer "$1" 2> /dev/null | head -n 1)
  [ -n "$newer" ] && [ -z "${SLUICE_NO_REBUILD:-}" ]
}

# --------------------------------------------------------------------------------------- Spark

# Sets SPARK_HOME: the caller's, or the embedded Spark, assembled once from Maven artifacts.
sluice_find_spark() {
  if [ -n "${SPARK_HOME:-}" ]; then
    [ -x "$SPARK_HOME/bin/spark-submit" ] || [ -d "$SPARK_HOME/jars" ] || sluice_die 2 \
      "SPARK_HOME is $SPARK_HOME, which has neither bin/spark-submit nor jars/. Set it to a Spark 3.5 (Scala 2.12), or unset it to use the embedded one."
    return
  fi
  SPARK_HOME=$SLUICE_HOME/.runtime/spark-$SLUICE_SPARK_VERSION
  export SPARK_HOME
  [ -f "$SPARK_HOME/RELEASE" ] || sluice_assemble_spark
}

# Maven resolves the jars into jobs/runtime/target; a copy under another name becomes
# .runtime/spark-VERSION by one rename, so a folder of that name is always whole.
sluice_assemble_spark() {
  local resolved=$SLUICE_HOME/jobs/runtime/target/spark-$SLUICE_SPARK_VERSION
  local staging=$SLUICE_HOME/.runtime/.assembling.$$
  sluice_lock
  if [ ! -f "$SPARK_HOME/RELEASE" ]; then
    [ -f "$resolved/RELEASE" ] || sluice_maven "the embedded Spark $SLUICE_SPARK_VERSION" -pl jobs/runtime package
    rm -rf "$staging"
    mkdir -p "$staging/conf"
    # hard links where the file system has them: the jars are 250 MB
    cp -Rl "$resolved/jars" "$staging/jars" 2> /dev/null || cp -R "$resolved/jars" "$staging/jars"
    cp "$SLUICE_SCRIPTS/conf/log4j2.properties" "$staging/conf/"
    cp "$resolved/RELEASE" "$staging/RELEASE"
    rm -rf "$SPARK_HOME"
    mv "$staging" "$SPARK_HOME"
    sluice_say "embedded Spark $SLUICE_SPARK_VERSION is ready in .runtime"
  fi
  sluice_unlock
}

# Replaces this shell by spark-submit. The embedded Spark has no bin/: Spark's own launcher prints
# the command line it would run there, as strings that end in NUL, after a first line.
sluice_exec_spark_submit() {
  local command=() argument
  if [ -x "$SPARK_HOME/bin/spark-submit" ]; then
    exec "$SPARK_HOME/bin/spark-submit" "$@"
  fi
  export SPARK_HOME SPARK_SCALA_VERSION=$SLUICE_SCALA_BINARY
  while IFS= read -r -d '' argument; do
    command+=("${argument#$'\n'}")
  done < <("$SLUICE_JAVA" -Xmx128m -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main \
    org.apache.spark.deploy.SparkSubmit "$@")
  # the first string is the empty marker before the command
  [ "${#command[@]}" -gt 1 ] || exit 2
  exec "${command[@]:1}"
}

# -------------------------------------------------------------------------------------- memory

# sluice_mebibytes NAME VALUE: 512m, 4g or plain bytes as MiB.
sluice_mebibytes() {
  local number=${2%[bBkKmMgGtT]}
  case $number in
    '' | *[!0-9]*) sluice_die 2 "$1 is $2, which is not a size. Give whole megabytes or gigabytes, such as 512m or 4g." ;;
  esac
  case $2 in
    *[gG]) echo $((number * 1024)) ;;
    *[mM]) echo "$number" ;;
    *) sluice_die 2 "$1 is $2, which is not a size. Give whole megabytes or gigabytes, such as 512m or 4g." ;;
  esac
}

# sluice_native_options HEAP_MB OFFHEAP_MB: JavaCPP's two limits. maxbytes bounds what native code
# may allocate; maxphysicalbytes bounds the whole process, so it holds heap, off-heap and 1 GiB for
# code, stacks, network buffers and mapped files. What it has to say goes to the log.
sluice_native_options() {
  echo "-Dorg.bytedeco.javacpp.maxbytes=${2}m -Dorg.bytedeco.javacpp.maxphysicalbytes=$(($1 + $2 + 1024))m -Dorg.bytedeco.javacpp.logger=slf4j"
}

# sluice_aeron_options: what train.strategy = async-gradient-sharing needs in every process, and no
# other strategy notices. Aeron refuses to start unless a publication unblocks later than DL4J's
# client times out (30 s); its buffers lie in shared memory, 6 for each peer, 32 MiB each by default.
sluice_aeron_options() {
  echo "-Daeron.publication.unblock.timeout=60000000000 -Daeron.term.buffer.length=4194304"
}

# sluice_gpu_options ARGUMENTS…: where they, SLUICE_SPARK_CONF or Spark's own defaults ask for GPUs,
# what lets CUDA and cuDNN on LD_LIBRARY_PATH come before those of /usr/local/cuda. Nowhere else: it
# would let a system's OpenBLAS come before the one we bring, too.
sluice_gpu_options() {
  local asked="$* ${SLUICE_SPARK_CONF:-}" file
  for file in "${SLUICE_SPARK_CONF:-}" "${SPARK_CONF_DIR:-$SPARK_HOME/conf}/spark-defaults.conf"; do
    if [ -f "$file" ]; then
      asked+=" $(cat "$file")"
    fi
  done
  case $asked in
    *.resource.gpu.amount* | *device=gpu*) echo " -Dorg.bytedeco.javacpp.pathsFirst=true" ;;
  esac
}

# --------------------------------------------------------------------------------------- submit

# Appends to SLUICE_CONF the settings of SLUICE_SPARK_CONF: a properties file, or key=value pairs
# separated by white space.
sluice_read_spark_conf() {
  local line key value pair
  [ -n "${SLUICE_SPARK_CONF:-}" ] || return 0
  if [ -f "$SLUICE_SPARK_CONF" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      line=${line#"${line%%[![:space:]]*}"}
      case $line in '' | '#'*) continue ;; esac
      key=${line%%[=[:space:]]*}
      value=${line#"$key"}
      value=${value#"${value%%[!=[:space:]]*}"}
      value=${value%"${value##*[![:space:]]}"}
      SLUICE_CONF+=(--conf "$key=$value")
    done < "$SLUICE_SPARK_CONF"
    return 0
  fi
  set -f
  for pair in $SLUICE_SPARK_CONF; do
    case $pair in
      ?*=*) SLUICE_CONF+=(--conf "$pair") ;;
      *) sluice_die 2 "SLUICE_SPARK_CONF is $SLUICE_SPARK_CONF, which is no file, and $pair is no key=value. Give a properties file, or pairs separated by blanks." ;;
    esac
  done
  set +f
}

# Runs a job. Later settings win with spark-submit, so the order is: ours, SLUICE_SPARK_CONF, the
# options after --.
sluice_submit() {
  local class=$1 master=${SLUICE_MASTER:-local[*]} heap executor_heap offheap gpu
  local job=() submit=()
  shift
  while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then
      shift
      submit=("$@")
      break
    fi
    job+=("$1")
    shift
  done

  sluice_find_java
  sluice_find_jar
  sluice_find_spark

  heap=$(sluice_mebibytes SLUICE_DRIVER_MEMORY "${SLUICE_DRIVER_MEMORY:-2g}")
  offheap=$(sluice_mebibytes SLUICE_OFFHEAP_MEMORY "${SLUICE_OFFHEAP_MEMORY:-2g}")
  executor_heap=$(sluice_mebibytes SLUICE_EXECUTOR_MEMORY "${SLUICE_EXECUTOR_MEMORY:-1g}")

  gpu=$(sluice_gpu_options ${job[@]+"${job[@]}"} ${submit[@]+"${submit[@]}"})

  SLUICE_CONF=(
    --master "$master"
    --driver-memory "${heap}m"
    --conf "spark.driver.defaultJavaOptions=$(sluice_native_options "$heap" "$offheap") $(sluice_aeron_options) -Djava.awt.headless=true$gpu"
    --conf "spark.executor.memory=${executor_heap}m"
    --conf "spark.executor.memoryOverhead=$((offheap + 512))m"
    --conf "spark.executor.defaultJavaOptions=$(sluice_native_options "$executor_heap" "$offheap") $(sluice_aeron_options) -Djava.awt.headless=true$gpu"
    --conf spark.ui.showConsoleProgress=false
    # a task that has no native memory left fails and says so; Spark would end its process, which
    # can go on, because of what caused the failure
    --conf spark.executor.killOnFatalError.depth=1
  )
  case $master in
    local*)
      # nothing leaves this machine: no name look-ups, no ports on the network, no page
      export SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1}
      SLUICE_CONF+=(--conf spark.ui.enabled=false)
      ;;
  esac
  sluice_read_spark_conf
  sluice_quiet_logs

  sluice_exec_spark_submit "${SLUICE_CONF[@]}" ${submit[@]+"${submit[@]}"} \
    --class "$class" "$SLUICE_JAR" ${job[@]+"${job[@]}"}
}

# A Spark with its own logging configuration keeps it; one without would log all of INFO.
sluice_quiet_logs() {
  local conf=${SPARK_CONF_DIR:-$SPARK_HOME/conf}
  if [ ! -f "$conf/log4j2.properties" ] && [ ! -f "$conf/log4j2.xml" ]; then
    export SPARK_SUBMIT_OPTS="${SPARK_SUBMIT_OPTS:-} \"-Dlog4j2.configurationFile=$SLUICE_SCRIPTS/conf/log4j2.properties\""
  fi
}
