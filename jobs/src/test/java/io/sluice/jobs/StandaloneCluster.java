package io.sluice.jobs;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A Spark master and its workers, processes on loopback, from the embedded runtime's own jars. */
final class StandaloneCluster implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Pattern MASTER_STARTED = Pattern.compile("(spark://127\\.0\\.0\\.1:\\d+)");
  private static final Pattern REGISTERED = Pattern.compile("Successfully registered with master");

  private final Path sparkHome;
  private final Path folder;
  private final List<Process> processes = new ArrayList<>();
  private String url;

  private StandaloneCluster(Path sparkHome, Path folder) {
    this.sparkHome = sparkHome;
    this.folder = folder;
  }

  static StandaloneCluster start(Path sparkHome, Path folder, int workers) throws Exception {
    return start(sparkHome, folder, workers, StandaloneCluster::addWorker);
  }

  /** Workers of two cores and one GPU, each with another number, as on one machine with several. */
  static StandaloneCluster startWithGpus(Path sparkHome, Path folder, int workers)
      throws Exception {
    return start(sparkHome, folder, workers, StandaloneCluster::addWorkerWithGpu);
  }

  private interface Addition {
    void to(StandaloneCluster cluster) throws Exception;
  }

  private static StandaloneCluster start(
      Path sparkHome, Path folder, int workers, Addition addition) throws Exception {
    var cluster = new StandaloneCluster(sparkHome, folder);
    try {
      cluster.url =
          cluster
              .launch(
                  MASTER_STARTED,
                  "org.apache.spark.deploy.master.Master",
                  List.of("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"))
              .group(1);
      for (int worker = 0; worker < workers; worker++) {
        addition.to(cluster);
      }
      return cluster;
    } catch (Exception e) {
      cluster.close();
      throw e;
    }
  }

  /** Starts one more worker, of one core. */
  void addWorker() throws Exception {
    addWorker(1, List.of());
  }

  private void addWorkerWithGpu() throws Exception {
    int number = processes.size() - 1;
    Path script = folder.resolve("discover-gpu-%d.sh".formatted(number));
    Files.writeString(
        script, "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[\"%d\"]}'\n".formatted(number));
    if (!script.toFile().setExecutable(true)) {
      throw new IOException("cannot make %s executable".formatted(script));
    }
    Path properties =
        Files.writeString(
            folder.resolve("worker-%d.conf".formatted(number)),
            "spark.worker.resource.gpu.amount 1%nspark.worker.resource.gpu.discoveryScript %s%n"
                .formatted(script));
    addWorker(2, List.of("--properties-file", properties.toString()));
  }

  private void addWorker(int cores, List<String> more) throws Exception {
    var arguments =
        new ArrayList<>(
            List.of(
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--webui-port",
                "0",
                "--cores",
                Integer.toString(cores),
                "--memory",
                "1g",
                "--work-dir",
                workFolder(processes.size() - 1).toString()));
    arguments.addAll(more);
    arguments.add(url);
    launch(REGISTERED, "org.apache.spark.deploy.worker.Worker", arguments);
  }

  /** Takes the worker that was started last away, and then the executors that it has started. */
  void killLastWorker() throws InterruptedException {
    Process worker = processes.get(processes.size() - 1);
    List<ProcessHandle> executors = worker.descendants().toList();
    worker.destroyForcibly().waitFor();
    executors.forEach(ProcessHandle::destroyForcibly);
  }

  String url() {
    return url;
  }

  private Path workFolder(int worker) {
    return folder.resolve("worker-" + worker);
  }

  /** Executors that a worker has started, over all applications. */
  long executorsOf(int worker) throws IOException {
    Path work = workFolder(worker);
    if (!Files.isDirectory(work)) {
      return 0;
    }
    try (Stream<Path> logs = Files.find(work, 3, (file, a) -> file.endsWith("stderr"))) {
      return logs.count();
    }
  }

  private Matcher launch(Pattern ready, String mainClass, List<String> arguments) throws Exception {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
    command.add("--add-opens=java.base/java.nio=ALL-UNNAMED");
    command.addAll(List.of("-cp", sparkHome.resolve("jars") + "/*", mainClass));
    command.addAll(arguments);
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("SPARK_HOME", sparkHome.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.12");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    processes.add(process);

    var found = new CompletableFuture<Matcher>();
    var seen = new StringBuffer();
    var reader = new Thread(() -> watch(process.inputReader(), ready, found, seen), mainClass);
    reader.setDaemon(true);
    reader.start();
    try {
      return found.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new IllegalStateException("%s did not start:%n%s".formatted(mainClass, seen), e);
    }
  }

  // reads to the end, so that the process never blocks on a full pipe
  private static void watch(
      BufferedReader log, Pattern ready, CompletableFuture<Matcher> found, StringBuffer seen) {
    try {
      for (String line = log.readLine(); line != null; line = log.readLine()) {
        if (!found.isDone()) {
          seen.append(line).append('\n');
          Matcher matcher = ready.matcher(line);
          if (matcher.find()) {
            found.complete(matcher);
          }
        }
      }
      found.completeExceptionally(new IOException("the process ended"));
    } catch (IOException e) {
      found.completeExceptionally(e);
    }
  }

  @Override
  public void close() {
    for (int i = processes.size() - 1; i >= 0; i--) {
      Process process = processes.get(i);
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }
}
