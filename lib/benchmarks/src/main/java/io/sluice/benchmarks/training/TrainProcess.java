package io.sluice.benchmarks.training;

import io.sluice.failure.ExitStatus;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A training run as a person starts it: {@code submit-scripts/train.sh}, with the processes that
 * Spark starts for it, and what it has written when it is over.
 *
 * <p>{@code run.sh} says where the scripts are ({@code sluice.benchmarks.scripts}).
 */
final class TrainProcess {
  private static final Path SCRIPTS = Path.of(System.getProperty("sluice.benchmarks.scripts", "."));
  private static final long LIMIT_SECONDS = 1200;
  private static final long START_SECONDS = 120;

  /** Writes spark-submit's command, and ends. */
  private static final String LAUNCHER = "org.apache.spark.launcher.Main";

  private final List<String> command = new ArrayList<>();
  private final Map<String, String> environment = new LinkedHashMap<>();
  private final Path folder;
  private int executors;
  private int firstCore = -1;

  /**
   * @param config an experiment's file
   * @param folder of the run's own, which must not exist yet
   */
  TrainProcess(Path config, Path folder) {
    this.folder = folder;
    command.addAll(List.of(SCRIPTS.resolve("train.sh").toString(), "--config", config.toString()));
    set("train.checkpoint.path", quoted("checkpoints"));
    set("train.metrics-path", quoted("metrics.jsonl"));
    set("registry.path", quoted("registry"));
    environment.put("SLUICE_DRIVER_MEMORY", "1g");
    environment.put("SLUICE_OFFHEAP_MEMORY", "1g");
    // run.sh has built what is measured
    environment.put("SLUICE_NO_REBUILD", "1");
  }

  private String quoted(String name) {
    return '"' + folder.resolve(name).toString() + '"';
  }

  TrainProcess set(String key, Object value) {
    command.addAll(List.of("--set", key + "=" + value));
    return this;
  }

  TrainProcess env(String name, String value) {
    environment.put(name, value);
    return this;
  }

  /** One process, whose threads share each batch. */
  TrainProcess local(int threads) {
    return env("SLUICE_MASTER", "local[%d]".formatted(threads))
        .set("train.strategy", "local")
        .set("train.threads", threads);
  }

  /** So many executors of one core each, which are processes, besides the driver's. */
  TrainProcess executors(int count) {
    return executors(count, 1024);
  }

  /** The same with another heap than 1 GiB. */
  TrainProcess executors(int count, int heapMebibytes) {
    executors = count;
    return env("SLUICE_MASTER", "local-cluster[%d,1,%d]".formatted(count, heapMebibytes))
        .env("SLUICE_EXECUTOR_MEMORY", heapMebibytes + "m")
        .set("train.workers", count);
  }

  /**
   * Binds each executor, or the process if it trains alone, to a core of its own, with all threads
   * that HotSpot, Netty and Spark have there: as a container does that may use one CPU. Without it
   * the threads of a lone executor have the cores that others would be trained on.
   *
   * @param first core of the first; the next ones follow, and start over where there are no more
   */
  TrainProcess onCores(int first) {
    firstCore = first;
    return this;
  }

  /** Ranks that are threads of the driver. */
  TrainProcess slots(int count) {
    return env("SLUICE_MASTER", "local[%d]".formatted(count)).set("train.workers", count);
  }

  Running start() throws IOException, InterruptedException {
    Files.createDirectories(folder);
    var builder =
        new ProcessBuilder(command)
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile());
    builder.environment().keySet().removeIf(v -> v.startsWith("SPARK_") || v.startsWith("SLUICE_"));
    builder.environment().putAll(environment);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    var running = new Running(builder.start(), folder);
    if (firstCore >= 0) {
      bind(executors == 0 ? List.of(running.driver()) : running.executors(executors));
    }
    return running;
  }

  private void bind(List<ProcessHandle> processes) throws IOException, InterruptedException {
    int core = firstCore;
    for (ProcessHandle each : processes) {
      String cores = Integer.toString(core++ % Runtime.getRuntime().availableProcessors());
      Process taskset =
          new ProcessBuilder("taskset", "-a", "-c", "-p", cores, Long.toString(each.pid())).start();
      if (taskset.waitFor() != 0) {
        throw new IOException(
            "taskset (of util-linux) could not bind process %d to core %s: %s"
                .formatted(
                    each.pid(),
                    cores,
                    new String(taskset.getErrorStream().readAllBytes(), StandardCharsets.UTF_8)));
      }
    }
  }

  TrainRun run() throws IOException, InterruptedException {
    return start().await();
  }

  /** What was run before, if its folder is there. */
  TrainRun runOnce() throws IOException, InterruptedException {
    return Files.exists(folder) ? TrainRun.read(folder) : run();
  }

  /** A run under way. */
  record Running(Process process, Path folder) {
    /**
     * Waits until it has ended well.
     *
     * @throws IllegalStateException if it has not, with what it said
     */
    TrainRun await() throws IOException, InterruptedException {
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        kill();
        throw failed("did not end within %d s".formatted(LIMIT_SECONDS));
      }
      if (process.exitValue() != 0) {
        throw failed("ended with status %d".formatted(process.exitValue()));
      }
      return TrainRun.read(folder);
    }

    /**
     * Waits until it has ended because the cluster cannot hold it.
     *
     * @throws IllegalStateException if it ended in another way
     */
    void awaitRefusal() throws IOException, InterruptedException {
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        kill();
        throw failed("did not end within %d s".formatted(LIMIT_SECONDS));
      }
      if (process.exitValue() != ExitStatus.CLUSTER_TOO_SMALL.code()) {
        throw failed(
            "ended with status %d in place of %d"
                .formatted(process.exitValue(), ExitStatus.CLUSTER_TOO_SMALL.code()));
      }
    }

    IllegalStateException failed(String how) throws IOException {
      List<String> err = Files.readAllLines(folder.resolve("err"));
      return new IllegalStateException(
          "A training run %s. The end of what it said:%n%s"
              .formatted(
                  how, String.join("\n", err.subList(Math.max(0, err.size() - 30), err.size()))));
    }

    /** The driver's Java process, once it is there. */
    ProcessHandle driver() throws IOException, InterruptedException {
      return java("SparkSubmit", 1).get(0);
    }

    /** Waits for so many executors' Java processes. */
    List<ProcessHandle> executors(int count) throws IOException, InterruptedException {
      return java("CoarseGrainedExecutorBackend", count);
    }

    private List<ProcessHandle> java(String word, int count)
        throws IOException, InterruptedException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
      List<ProcessHandle> found = java(word);
      while (found.size() < count) {
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw failed("has not started %d Java processes of %s".formatted(count, word));
        }
        Thread.sleep(200);
        found = java(word);
      }
      return found;
    }

    /** Java processes of the run whose command line has a word. */
    private List<ProcessHandle> java(String word) {
      return Stream.concat(Stream.of(process.toHandle()), process.descendants())
          .filter(
              p ->
                  p.info().command().filter(c -> c.endsWith("java")).isPresent()
                      && p.info()
                          .commandLine()
                          .filter(line -> line.contains(word) && !line.contains(LAUNCHER))
                          .isPresent())
          .toList();
    }

    /** Ends it, with all processes that it has started. */
    void kill() throws InterruptedException {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }
}
