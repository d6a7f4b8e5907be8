package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.ProcessMemory;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The process of one contestant: reads one command a line, answers one line, and waits for the next
 * without computing. Ends with its input.
 */
final class ContestantMain {
  /** Begins an answer; whatever a library prints to the same stream does not. */
  static final String ANSWER = "@ ";

  /** Begins the answer to a workload that the contestant cannot do. */
  static final String CANNOT = "@- ";

  /** Begins the answer to a command that failed. */
  static final String FAILED = "@! ";

  /** Does what a command says. */
  interface Commands {
    String run(String[] words) throws Exception;
  }

  private final Contestant contestant;
  private Workload workload;

  private ContestantMain(Contestant contestant) {
    this.contestant = contestant;
  }

  public static void main(String[] args) throws IOException {
    try (Contestant contestant = Side.of(args[0]).create(Integer.parseInt(args[1]))) {
      serve(new ContestantMain(contestant)::run);
    }
  }

  /** Answers line by line until the input ends. */
  static void serve(Commands contestant) throws IOException {
    PrintStream answers = System.out;
    System.setOut(System.err);
    var commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String command = commands.readLine(); command != null; command = commands.readLine()) {
      answers.println(answer(contestant, command));
      answers.flush();
    }
  }

  private static String answer(Commands contestant, String command) {
    try {
      return ANSWER + contestant.run(command.split(" "));
    } catch (Contestant.CannotDo e) {
      return CANNOT + e.getMessage();
    } catch (Exception | LinkageError e) {
      e.printStackTrace();
      return FAILED + String.valueOf(e).replace('\n', ' ');
    }
  }

  private String run(String[] words) throws Contestant.CannotDo, IOException {
    return switch (words[0]) {
      case "open" -> {
        workload = new Workload(Shape.parse(words[1]), Cell.of(words[2]), Precision.of(words[3]));
        yield contestant.open(workload);
      }
      case "probabilities" -> joined(contestant.probabilities());
      case "gradients" -> {
        write(contestant.gradients(), workload.parameters().keySet(), Path.of(words[1]));
        yield "";
      }
      case "train" -> timed(() -> contestant.train(Integer.parseInt(words[1])));
      case "infer" -> timed(() -> contestant.infer(Integer.parseInt(words[1])));
      case "multiply" -> timed(() -> contestant.multiply(Integer.parseInt(words[1])));
      case "memory" -> ProcessMemory.residentKibibytes() + " " + ProcessMemory.peakKibibytes();
      default -> throw new IllegalArgumentException("%s is not a command".formatted(words[0]));
    };
  }

  /** Big-endian, in order of the names. */
  static void write(Map<String, float[]> gradients, Set<String> names, Path file)
      throws IOException {
    try (var out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16))) {
      for (String name : names) {
        for (float value : gradients.get(name)) {
          out.writeFloat(value);
        }
      }
    }
  }

  static String timed(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return String.format(Locale.ROOT, "%.9f", (System.nanoTime() - start) / 1e9);
  }

  static String joined(float[] values) {
    var text = new StringBuilder();
    for (float value : values) {
      text.append(value).append(' ');
    }
    return text.toString();
  }
}
