package io.sluice.benchmarks.recurrent;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A contestant as the benchmark sees it: a process that does one thing at a time when told. */
final class ContestantProcess implements AutoCloseable {
  /** Folder of libtorch's jars; set by {@code run.sh}. */
  private static final String LIBTORCH = "sluice.benchmarks.libtorch";

  /** Nothing that is asked takes this long; a contestant that hangs ends the run. */
  private static final long DEADLINE_SECONDS = 300;

  private static final String END = "";

  private final Side side;
  private final Process process;
  private final Writer commands;
  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();

  ContestantProcess(Side side, int threadsAsked) throws IOException {
    this(side, threadsAsked, ContestantMain.class);
  }

  /**
   * @param main what the process runs, with the side's name and its threads
   */
  ContestantProcess(Side side, int threadsAsked, Class<?> main) throws IOException {
    this.side = side;
    int threads = side.threads(threadsAsked);
    var builder = new ProcessBuilder(command(side, threads, main));
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.environment().putAll(side.environment());
    process = builder.start();
    commands = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
    var reader = new Thread(this::readAnswers, side + " answers");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Gives it a workload.
   *
   * @return the reason if it cannot do it
   */
  Optional<String> open(Workload workload) {
    String answer =
        send("open %s %s %s".formatted(workload.shape(), workload.cell(), workload.precision()));
    if (answer.startsWith(ContestantMain.CANNOT)) {
      return Optional.of(answer.substring(ContestantMain.CANNOT.length()));
    }
    String how = payload("open", answer);
    if (!how.isBlank()) {
      System.out.println(side + ": " + how);
    }
    return Optional.empty();
  }

  float[] probabilities() {
    return numbers("probabilities");
  }

  /** What it answers to a command, as numbers. */
  float[] numbers(String command) {
    String[] words = ask(command).strip().split(" ");
    var values = new float[words.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(words[i]);
    }
    return values;
  }

  /** By the names of the parameters of what it was given, in their order. */
  Map<String, float[]> gradients(Map<String, Workload.Parameter> parameters) throws IOException {
    Path file = Files.createTempFile("gradients", null);
    try {
      ask("gradients " + file);
      FloatBuffer values = ByteBuffer.wrap(Files.readAllBytes(file)).asFloatBuffer();
      var gradients = new LinkedHashMap<String, float[]>();
      parameters.forEach(
          (name, parameter) -> {
            var gradient = new float[parameter.values().length];
            values.get(gradient);
            gradients.put(name, gradient);
          });
      return gradients;
    } finally {
      Files.delete(file);
    }
  }

  /** Seconds of its own clock. */
  double train(int steps) {
    return Double.parseDouble(ask("train " + steps));
  }

  /** Seconds of its own clock. */
  double infer(int calls) {
    return Double.parseDouble(ask("infer " + calls));
  }

  /** Seconds of its own clock. */
  double multiply(int n) {
    return Double.parseDouble(ask("multiply " + n));
  }

  /** Memory of the process that lies in RAM now. */
  long residentKibibytes() {
    return Long.parseLong(ask("memory").split(" ")[0]);
  }

  /** The most that it ever was. */
  long peakKibibytes() {
    return Long.parseLong(ask("memory").split(" ")[1]);
  }

  /** Its answer to a command. */
  String ask(String command) {
    return payload(command, send(command));
  }

  private String payload(String command, String answer) {
    if (!answer.startsWith(ContestantMain.ANSWER)) {
      throw new IllegalStateException(
          "%s failed at \"%s\": %s. Its standard error is above."
              .formatted(side, command, answer.equals(END) ? "the process ended" : answer));
    }
    return answer.substring(ContestantMain.ANSWER.length());
  }

  private String send(String command) {
    try {
      commands.write(command + "\n");
      commands.flush();
      String answer = answers.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
      if (answer == null) {
        throw new IllegalStateException(
            "%s did not answer \"%s\" within %d s".formatted(side, command, DEADLINE_SECONDS));
      }
      return answer;
    } catch (IOException e) {
      throw new IllegalStateException(
          "%s ended before \"%s\": %s".formatted(side, command, e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while %s runs".formatted(side), e);
    }
  }

  private void readAnswers() {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("@")) {
          answers.add(line);
        } else {
          System.err.println(side + ": " + line);
        }
      }
    } catch (IOException e) {
      System.err.println(side + ": " + e);
    }
    answers.add(END);
  }

  private static List<String> command(Side side, int threads, Class<?> main) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-Xm"))
        .forEach(command::add);
    // a small heap, collected by the thread that computes: no contestant's work lies on it
    command.addAll(
        List.of(
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-Dorg.bytedeco.javacpp.maxbytes=8g",
            "-Dorg.bytedeco.javacpp.maxphysicalbytes=10g",
            "-cp",
            classPath(side),
            main.getName(),
            side.toString(),
            Integer.toString(threads)));
    return command;
  }

  private static String classPath(Side side) {
    String own = System.getProperty("java.class.path");
    if (!side.isLibtorch()) {
      return own;
    }
    String jars = System.getProperty(LIBTORCH);
    if (jars == null) {
      throw new IllegalStateException(
          "-D%s names no folder with libtorch's jars. Start through lib/benchmarks/run.sh."
              .formatted(LIBTORCH));
    }
    String classes =
        Stream.of(own.split(File.pathSeparator))
            .filter(entry -> Path.of(entry).endsWith("classes"))
            .findFirst()
            .orElseThrow();
    return classes + File.pathSeparator + Path.of(jars, "*");
  }

  @Override
  public void close() throws IOException {
    commands.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
