package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Report;
import io.sluice.benchmarks.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Does a long run hold steady memory, threads and files?
 *
 * <pre>lib/benchmarks/run.sh soak [--record] [minutes, 60] [seconds between samples, 15]</pre>
 *
 * <p>Two executors of one core train by gradient sharing, with a validation pass every thousand
 * steps and a checkpoint every five hundred, until they are told to stop. Driver and executors are
 * looked at from outside ({@link ProcessSample}), after a full collection. The first third of the
 * time is warm-up, in which the driver still compiles and loads classes; over the rest a line is
 * fitted to each number. A number leaks if that line rises, beyond doubt (two standard errors), by
 * more than a bound: {@value #MEMORY_BOUND} of its mean for memory, {@value #COUNT_BOUND} for
 * threads and files.
 *
 * <p>In the end the run must stop on SIGTERM, and its losses must have fallen.
 */
public final class Soak {
  private static final double MEMORY_BOUND = 0.03;
  private static final double COUNT_BOUND = 4;
  private static final int STOP_SECONDS = 120;
  private static final int HEAP_MEBIBYTES = 1024;

  private Soak() {}

  public static void main(String[] args) throws Exception {
    if (args.length > 0 && args[0].startsWith("-")) {
      System.err.println("soak [--record] [minutes, 60] [seconds between samples, 15]");
      System.exit(2);
    }
    Duration length = Duration.ofMinutes(args.length > 0 ? Integer.parseInt(args[0]) : 60);
    Duration every = Duration.ofSeconds(args.length > 1 ? Integer.parseInt(args[1]) : 15);
    try (var scratch = new Scratch()) {
      WideDataset dataset = WideDataset.write(scratch.path(""), "soak", 50, 16, 64, 64_000);
      TrainProcess.Running running = start(dataset, jvms(scratch), scratch.path("run"));
      try {
        Map<String, ProcessHandle> processes = processes(running);
        Map<String, List<ProcessSample>> samples = sample(running, processes, length, every);
        report(length, samples, stop(running, processes.get("driver")));
      } finally {
        running.kill();
      }
    }
  }

  /** What every JVM is told: its heap is there from the start, and it counts its own memory. */
  private static Path jvms(Scratch scratch) throws IOException {
    String options =
        "extraJavaOptions=-Xms%dm -XX:+AlwaysPreTouch -XX:NativeMemoryTracking=summary"
            .formatted(HEAP_MEBIBYTES);
    return Files.write(
        scratch.path("spark.conf"),
        List.of("spark.driver." + options, "spark.executor." + options));
  }

  private static TrainProcess.Running start(WideDataset dataset, Path jvms, Path folder)
      throws IOException, InterruptedException {
    return new TrainProcess(dataset.config(), folder)
        .executors(2, HEAP_MEBIBYTES)
        .env("SLUICE_DRIVER_MEMORY", HEAP_MEBIBYTES + "m")
        .env("SLUICE_SPARK_CONF", jvms.toString())
        .set("train.strategy", "gradient-sharing")
        .set("train.epochs", 100_000)
        .set("train.batch-size", 64)
        .set("train.log-every-steps", 500)
        .set("train.checkpoint.every-steps", 500)
        .start();
  }

  private static Map<String, ProcessHandle> processes(TrainProcess.Running running)
      throws IOException, InterruptedException {
    List<ProcessHandle> executors = running.executors(2);
    var processes = new LinkedHashMap<String, ProcessHandle>();
    processes.put("driver", running.driver());
    processes.put("executor 0", executors.get(0));
    processes.put("executor 1", executors.get(1));
    return processes;
  }

  private static Map<String, List<ProcessSample>> sample(
      TrainProcess.Running running,
      Map<String, ProcessHandle> processes,
      Duration length,
      Duration every)
      throws IOException, InterruptedException {
    var samples = new LinkedHashMap<String, List<ProcessSample>>();
    processes.keySet().forEach(name -> samples.put(name, new ArrayList<>()));
    long start = System.nanoTime();
    for (int next = 1; next * every.toSeconds() <= length.toSeconds(); next++) {
      long wait = start + next * every.toNanos() - System.nanoTime();
      TimeUnit.NANOSECONDS.sleep(Math.max(0, wait));
      for (Map.Entry<String, ProcessHandle> each : processes.entrySet()) {
        if (!each.getValue().isAlive()) {
          throw running.failed("lost its " + each.getKey());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        samples.get(each.getKey()).add(ProcessSample.of(each.getValue(), seconds));
      }
      System.out.printf(
          "%5d s: %s%n",
          next * every.toSeconds(),
          samples.values().stream().map(s -> s.get(s.size() - 1)).toList());
    }
    return samples;
  }

  /** Seconds from SIGTERM to the end. */
  private static double stop(TrainProcess.Running running, ProcessHandle driver)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    driver.destroy();
    if (!running.process().waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
      throw running.failed("did not stop within %d s of SIGTERM".formatted(STOP_SECONDS));
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private static void report(
      Duration length, Map<String, List<ProcessSample>> samples, double stopSeconds)
      throws IOException {
    var report =
        new Report("soak", "Does a long run hold steady memory, threads and files?")
            .put("run", "two executors, gradient sharing, B, T, I, H, layers = 64, 50, 16, 64, 2")
            .put("minutes", length.toMinutes())
            .put("seconds from SIGTERM to the end", Report.rounded(stopSeconds));
    boolean steady = true;
    for (Map.Entry<String, List<ProcessSample>> each : samples.entrySet()) {
      List<ProcessSample> all = each.getValue();
      List<ProcessSample> judged = all.subList(all.size() / 3, all.size());
      var json = new LinkedHashMap<String, Object>();
      for (ProcessSample.Number number : ProcessSample.Number.values()) {
        Trend trend = Trend.of(judged, number);
        double bound = number.isMemory() ? MEMORY_BOUND * trend.mean() : COUNT_BOUND;
        boolean holds = trend.certainGrowth() <= bound;
        steady &= holds;
        json.put(number.words(), trend.toJson(bound, holds));
        System.out.printf(
            "%-10s %-28s mean %,.0f, %+,.1f an hour, %s%n",
            each.getKey(),
            number.words(),
            trend.mean(),
            trend.perHour(),
            holds ? "steady" : "GROWS");
      }
      json.put("samples", all.stream().map(ProcessSample::toJson).toList());
      report.put(each.getKey(), json);
    }
    report.put("steady", steady).finish();
    if (!steady) {
      System.exit(1);
    }
  }
}
