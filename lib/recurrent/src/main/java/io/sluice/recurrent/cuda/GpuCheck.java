package io.sluice.recurrent.cuda;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Direction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Proves on a machine with a GPU that cuDNN's results are those of the float64 reference, and
 * measures what a training step costs beside PyTorch's {@code nn.LSTM} on the same card.
 *
 * <p>{@code submit-scripts/check-gpu.sh} starts it; a JRE and a handful of jars is all it needs.
 *
 * <p>Result: lib/benchmarks/results/gpu-kernel.json (2026-11-26, an NVIDIA H200, PyTorch 2.11 with
 * the same cuDNN 9.19): all 1,708 cases pass; on the device a step of two layers of H = 128, 512
 * and 1024 runs 1.23, 1.04 and 1.04 times as fast as nn.LSTM's in f32, 1.7, 2.3 and 1.1 in tf32,
 * 8.4, 3.3 and 2.0 in bf16, 1.7, 3.1 and 2.4 in f16, with the same bits. What makes the difference
 * is replaying: captured by hand as a CUDA graph, PyTorch takes 0.96 to 1.12 of our time. What
 * crosses the bus adds 1.4 to 13.6 ms a step (13 to 212 MiB).
 */
@Command(
    name = "check-gpu.sh",
    sortOptions = false,
    usageHelpAutoWidth = false,
    usageHelpWidth = 100)
public final class GpuCheck implements Callable<Integer> {
  private static final List<Cell> CELLS = List.of(Cell.LSTM, Cell.GRU, Cell.RNN);

  /** T, B, I, H: each awkward number in each place. */
  private static final int[][] KERNEL_SIZES = {
    {1, 1, 1, 1},
    {3, 7, 13, 3},
    {7, 3, 1, 13},
    {13, 1, 7, 64},
    {2, 64, 3, 7},
    {5, 13, 207, 3},
    {3, 2, 64, 207},
    {64, 3, 3, 1},
    {207, 1, 2, 3},
    {2, 207, 3, 5},
    {13, 64, 64, 64},
    {64, 13, 207, 207},
    {207, 7, 13, 64},
  };

  /** T, B, I, H, layers: the last ones are those that fast paths are made for. */
  private static final int[][] STACK_SIZES = {
    {1, 1, 1, 1, 2},
    {7, 3, 13, 1, 3},
    {3, 64, 7, 13, 2},
    {13, 7, 3, 64, 1},
    {64, 3, 207, 7, 2},
    {2, 13, 64, 207, 2},
    {207, 2, 1, 13, 2},
    {21, 32, 100, 128, 2},
    {16, 64, 64, 256, 2},
  };

  private final CheckTable table = new CheckTable(System.out);
  private final Map<String, Integer> ways = new TreeMap<>();

  @Option(
      names = "--check",
      description =
          "Compare with the float64 reference, and with the golden cases in the folder"
              + " SLUICE_REFERENCE.")
  private boolean checks;

  @Option(names = "--time", description = "Time training steps.")
  private boolean times;

  @Option(names = "--tune", description = "Time every algorithm that cuDNN has, too.")
  private boolean tunes;

  @Option(
      names = "--torch",
      paramLabel = "SCRIPT",
      description = "Beside PyTorch, which python3 runs by this script.")
  private String torchScript;

  @Option(
      names = "--blocks",
      paramLabel = "N",
      defaultValue = "7",
      description = "Blocks of each side, by turns. Default: ${DEFAULT-VALUE}.")
  private int blocks;

  @Option(
      names = "--device",
      paramLabel = "N",
      defaultValue = "0",
      description = "The GPU's number. Default: ${DEFAULT-VALUE}.")
  private int device;

  @Option(names = "--record", paramLabel = "FILE", description = "Write what was measured as JSON.")
  private Path recordFile;

  @Option(names = "--help", usageHelp = true, description = "Shows this and stops.")
  private boolean help;

  @Spec private CommandSpec command;

  private GpuCheck() {}

  /** Starts it; {@code --help} says how. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new GpuCheck()).setExecutionExceptionHandler(GpuCheck::refused);
  }

  /** Options may ask for what there is not, such as a GPU of that number. */
  private static int refused(Exception e, CommandLine line, CommandLine.ParseResult options)
      throws Exception {
    if (e instanceof IllegalArgumentException) {
      line.getErr().println(e.getMessage());
      return CommandLine.ExitCode.USAGE;
    }
    throw e;
  }

  /** 0 if all is as it must be, 1 if not or if there is no GPU. */
  @Override
  public Integer call() {
    if (Cuda.problem().isPresent()) {
      command.commandLine().getErr().println(Cuda.problem().get());
      return 1;
    }
    System.out.println(Cuda.describe(device));
    printLibraries();
    var record = new LinkedHashMap<String, Object>();
    record.put("device", Cuda.describe(device));
    boolean passed = true;
    if (checks) {
      passed = check();
      record.put("largestErrors", table.record());
    }
    if (times) {
      var steps = new GpuTimes(device, torchScript, blocks, tunes);
      record.put("steps", steps.run());
      passed &= steps.passed();
    }
    if (recordFile != null) {
      write(record, recordFile);
    }
    return passed ? 0 : 1;
  }

  private boolean check() {
    long start = System.nanoTime();
    goldenCases();
    refusals();
    kernels();
    stacks();
    algorithms();
    halfPrecisionRange();
    threads();
    boolean passed = table.print();
    System.out.println("stacks went: " + ways);
    System.out.printf("checked in %.0f s%n", (System.nanoTime() - start) / 1e9);
    return passed;
  }

  /** Which of several CUDAs and cuDNNs on a machine this process found. */
  private static void printLibraries() {
    Path maps = Path.of("/proc/self/maps");
    if (Files.isReadable(maps)) {
      try (Stream<String> lines = Files.lines(maps)) {
        lines
            .map(line -> line.substring(line.lastIndexOf(' ') + 1))
            .filter(file -> file.matches(".*/lib(cuda|cudart|cublas|cudnn|nvrtc)\\.so.*"))
            .distinct()
            .forEach(file -> System.out.println("  " + file));
      } catch (IOException e) {
        System.out.println("  libraries unknown: " + e);
      }
    }
  }

  private static void write(Map<String, Object> record, Path file) {
    try {
      var mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
      Files.writeString(file, mapper.writeValueAsString(record) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write " + file, e);
    }
  }

  /** Allowed for outputs of a layer, times the square root of the number of its time steps. */
  static double tolerance(CudaPrecision precision) {
    return switch (precision) {
      // float32 holds 6e-8; products of up to 207 + 207 terms, and exponentials good to about 4e-6
      // in cuDNN's persistent kernels
      case F32 -> 6e-6;
      // factors of products have 11 bits: off by up to 5e-4 of themselves
      case TF32 -> 5e-3;
      // 8 bits: inputs, weights, states and gradients are off by up to 4e-3 of themselves
      case BF16 -> 4e-2;
      // 11 bits of all of them: off by up to 5e-4
      case F16 -> 5e-3;
    };
  }

  private static void compare(
      CheckTable.Comparison comparison,
      StackTrial trial,
      StackTrial.Result actual,
      CudaPrecision precision) {
    StackTrial.Result expected = trial.expected();
    double steps = tolerance(precision) * Math.sqrt(trial.T) * trial.shape.layers();
    comparison.close("y", actual.y(), expected.y(), steps);
    comparison.close("dx", actual.dx(), expected.dx(), 4 * steps);
    if (trial.hasStates) {
      comparison.close("h", actual.hLast(), expected.hLast(), steps);
      comparison.close("dh", actual.dh(), expected.dh(), 4 * steps);
      if (trial.shape.cell().hasCellState()) {
        comparison.close("c", actual.cLast(), expected.cLast(), steps);
        comparison.close("dc", actual.dc(), expected.dc(), 4 * steps);
      }
    }
    // a sum of n terms: about its rounding times √n
    comparison.close(
        "gradients", actual.gradients(), expected.gradients(), 2 * steps * Math.sqrt(trial.B));
  }

  /** PyTorch's own float64 values; the whole stack in one call. */
  private void goldenCases() {
    String folder = System.getenv("SLUICE_REFERENCE");
    if (folder == null) {
      System.out.println("SLUICE_REFERENCE names no folder: no golden cases");
      return;
    }
    try (var context = new CudaContext(device)) {
      for (GoldenCase golden : GoldenCase.all(Path.of(folder))) {
        if (CELLS.contains(golden.shape.cell())) { // the others are refused, see refusals()
          golden(context, golden);
        }
      }
    }
  }

  private void golden(CudaContext context, GoldenCase golden) {
    for (CudaPrecision precision : CudaPrecision.values()) {
      table.run(
          "golden, " + precision.label(),
          golden.name,
          comparison -> {
            try (var stack = new CudnnStack(context, golden.shape, precision)) {
              var trial =
                  new StackTrial(
                      golden.shape, golden.shape.parts(), golden.T, golden.B, null, true, 1);
              trial.parameters = golden.parameters();
              trial.x = golden.timeMajor("x");
              trial.dy = golden.timeMajor("loss_weights");
              for (double[] zero : List.of(trial.h, trial.c, trial.dhLast, trial.dcLast)) {
                Arrays.fill(zero, 0);
              }
              StackTrial.Result actual = trial.run(stack);
              double steps = tolerance(precision) * Math.sqrt(golden.T) * golden.shape.layers();
              comparison.close("y", actual.y(), golden.timeMajor("output"), steps);
              comparison.close("dx", actual.dx(), golden.timeMajor("grad_x"), 4 * steps);
              comparison.close("h", actual.hLast(), golden.states("h_n"), steps);
              if (golden.shape.cell().hasCellState()) {
                comparison.close("c", actual.cLast(), golden.states("c_n"), steps);
              }
              comparison.close(
                  "gradients",
                  actual.gradients(),
                  golden.gradients(),
                  2 * steps * Math.sqrt(golden.B));
            }
          });
    }
  }

  private void refusals() {
    for (Cell cell : List.of(Cell.PEEPHOLE_LSTM, Cell.LAYERNORM_LSTM)) {
      table.run(
          "refused",
          cell.label(),
          comparison -> {
            String message = "";
            try (var kernel =
                new CudnnKernel(
                    new CellShape(cell, 3, 4), Direction.FORWARD, CudaPrecision.F32, device)) {
              message = kernel.name();
            } catch (IllegalArgumentException e) {
              message = e.getMessage();
            }
            comparison.require(message.contains("fused kernel"), message);
          });
    }
  }

  private void kernels() {
    try (var context = new CudaContext(device)) {
      for (int[] size : KERNEL_SIZES) {
        for (Cell cell : CELLS) {
          for (Direction direction : Direction.values()) {
            for (boolean hasStates : new boolean[] {true, false}) {
              kernel(context, size, cell, direction, hasStates);
            }
          }
        }
      }
    }
  }

  private void kernel(
      CudaContext context, int[] size, Cell cell, Direction direction, boolean hasStates) {
    var shape = new StackShape(cell, size[2], size[3], 1, false);
    var cellShape = new CellShape(cell, size[2], size[3]);
    var parts = List.of(new StackShape.Part(0, direction, cellShape, 0));
    var trial = new StackTrial(shape, parts, size[0], size[1], null, hasStates, 17);
    for (CudaPrecision precision : CudaPrecision.values()) {
      String name =
          "%s %s T=%d B=%d I=%d H=%d%s"
              .formatted(
                  cell.label(),
                  direction,
                  size[0],
                  size[1],
                  size[2],
                  size[3],
                  hasStates ? ", states" : "");
      table.run(
          "one layer, " + precision.label(),
          name,
          comparison -> {
            try (var kernel = new CudnnKernel(cellShape, direction, precision, context)) {
              compare(comparison, trial, trial.run(kernel, 1), precision);
            }
          });
      if (size[0] > 1) {
        table.run(
            "one layer on two tapes, " + precision.label(),
            name,
            comparison -> {
              try (var kernel = new CudnnKernel(cellShape, direction, precision, context)) {
                compare(comparison, trial, trial.run(kernel, 2), precision);
              }
            });
      }
    }
  }

  private void stacks() {
    try (var context = new CudaContext(device)) {
      for (int[] size : STACK_SIZES) {
        for (Cell cell : CELLS) {
          for (boolean both : new boolean[] {false, true}) {
            for (boolean differ : new boolean[] {false, true}) {
              stack(context, size, cell, both, differ, null);
            }
          }
        }
      }
    }
  }

  /** Every way of walking over time where cuDNN has more than one. */
  private void algorithms() {
    try (var context = new CudaContext(device)) {
      for (int[] size : new int[][] {{21, 32, 100, 128, 2}, {13, 7, 3, 64, 1}}) {
        for (Cell cell : List.of(Cell.LSTM, Cell.GRU)) {
          for (RnnAlgorithm algorithm : RnnAlgorithm.values()) {
            stack(context, size, cell, false, false, algorithm);
          }
        }
      }
    }
  }

  /** Threads with a context each: what one records or makes room for does not touch the others. */
  private void threads() {
    for (CudaPrecision precision : CudaPrecision.values()) {
      table.run(
          "threads",
          "4 at once, " + precision.label(),
          comparison -> {
            List<CompletableFuture<Void>> all =
                IntStream.range(0, 4)
                    .mapToObj(seed -> CompletableFuture.runAsync(() -> thread(seed, precision)))
                    .toList();
            all.forEach(CompletableFuture::join);
          });
    }
  }

  private void thread(int seed, CudaPrecision precision) {
    var shape = new StackShape(Cell.LSTM, 13, 64, 2, false);
    try (var context = new CudaContext(device);
        var stack = new CudnnStack(context, shape, precision)) {
      for (int T = 5; T < 12; T++) {
        var trial = new StackTrial(shape, shape.parts(), T, 16 + T, null, true, seed);
        var comparison = new CheckTable.Comparison();
        for (int k = 0; k < 4; k++) {
          compare(comparison, trial, trial.run(stack), precision);
        }
        comparison.require(comparison.passes(), "T=%d: %s".formatted(T, comparison));
      }
    }
  }

  private void stack(
      CudaContext context,
      int[] size,
      Cell cell,
      boolean both,
      boolean differ,
      RnnAlgorithm algorithm) {
    int T = size[0];
    int B = size[1];
    var shape = new StackShape(cell, size[2], size[3], size[4], both);
    int[] lengths = differ ? new Random(5).ints(B, 1, T + 1).toArray() : null;
    var trial = new StackTrial(shape, shape.parts(), T, B, lengths, true, 17);
    for (CudaPrecision precision : CudaPrecision.values()) {
      String kind =
          algorithm != null
              ? "stack, %s, %s".formatted(algorithm, precision.label())
              : "stack%s, %s".formatted(differ ? " of lengths" : "", precision.label());
      table.run(
          kind,
          "%s T=%d B=%d".formatted(shape, T, B),
          comparison -> {
            try (var stack = new CudnnStack(context, shape, precision, false, algorithm)) {
              compare(comparison, trial, trial.run(stack), precision);
              if (!differ) {
                // recorded the second time, timed both ways, and then the faster one
                for (int k = 0; k < 8; k++) {
                  compare(comparison, trial, trial.run(stack), precision);
                }
                ways.merge(stack.waysOf(0), 1, Integer::sum);
              }
            } catch (CudaException e) {
              if (algorithm == null || !e.getMessage().contains("NOT_SUPPORTED")) {
                throw e;
              }
              System.out.println("      not supported: " + e.getMessage());
            }
          });
    }
  }

  /**
   * Half precision loses small gradients without a loss scale, and says when it loses large ones.
   */
  private void halfPrecisionRange() {
    var shape = new StackShape(Cell.LSTM, 13, 64, 2, false);
    String kind = "range of f16";
    table.run(
        kind,
        "gradients of 1e-8 under a loss scale",
        comparison -> {
          var trial = new StackTrial(shape, shape.parts(), 7, 13, null, false, 17);
          trial.dy = Arrays.stream(trial.dy).map(v -> (float) (v * 1e-8)).toArray();
          double[] scaled = relativeTo(trial, 1 << 16);
          double[] plain = relativeTo(trial, 1);
          double scaledError = worst(scaled);
          double plainError = worst(plain);
          System.out.printf(
              "      relative to the largest gradient: %.1e with a scale of 65536, %.1e without%n",
              scaledError, plainError);
          comparison.require(scaledError < 1e-2, "scaled error " + scaledError);
          comparison.require(plainError > 1e-1, "unscaled error " + plainError);
        });
    table.run(
        kind,
        "an overflow is told",
        comparison -> {
          var trial = new StackTrial(shape, shape.parts(), 7, 13, null, false, 17);
          try (var context = new CudaContext(device);
              var stack = new CudnnStack(context, shape, CudaPrecision.F16)) {
            stack.setLossScale(1);
            trial.run(stack);
            comparison.require(!stack.overflowed(), "overflowed without reason");
            stack.setLossScale(1 << 20);
            trial.run(stack);
            comparison.require(stack.overflowed(), "no overflow at a scale of 2^20");
            stack.setLossScale(1);
            compare(comparison, trial, trial.run(stack), CudaPrecision.F16);
            comparison.require(!stack.overflowed(), "an overflow stayed");
          }
        });
  }

  private double[] relativeTo(StackTrial trial, float scale) {
    try (var context = new CudaContext(device);
        var stack = new CudnnStack(context, trial.shape, CudaPrecision.F16)) {
      stack.setLossScale(scale);
      double[] actual = trial.run(stack).gradients();
      double[] expected = trial.expected().gradients();
      double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
      double[] errors = new double[actual.length];
      Arrays.setAll(errors, k -> Math.abs(actual[k] - expected[k]) / largest);
      return errors;
    }
  }

  private static double worst(double[] errors) {
    return Arrays.stream(errors).max().orElseThrow();
  }
}
