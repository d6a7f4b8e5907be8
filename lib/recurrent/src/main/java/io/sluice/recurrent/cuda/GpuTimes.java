package io.sluice.recurrent.cuda;

import io.sluice.recurrent.kernel.Cell;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Times a training step of two layers, forward and backward: on the device alone, beside PyTorch's
 * on the same card by turns, and with all that crosses the bus.
 */
final class GpuTimes {
  /** T, B, I, H. */
  private static final int[][] SIZES = {
    {100, 64, 100, 128}, {100, 128, 64, 512}, {100, 128, 128, 1024}
  };

  private static final int LAYERS = 2;
  private static final double BLOCK_MILLISECONDS = 60;

  private final int device;
  private final String torchScript;
  private final int blocks;
  private final boolean tunes;
  private boolean passed = true;

  /** Milliseconds of a step in each block. */
  private record Times(double[] milliseconds) {
    Times(List<Double> each) {
      this(each.stream().mapToDouble(Double::doubleValue).sorted().toArray());
    }

    double median() {
      return milliseconds[milliseconds.length / 2];
    }

    Map<String, Object> record() {
      var record = new LinkedHashMap<String, Object>();
      record.put("milliseconds", rounded(median()));
      record.put("fastestMilliseconds", rounded(milliseconds[0]));
      record.put("slowestMilliseconds", rounded(milliseconds[milliseconds.length - 1]));
      return record;
    }

    static double rounded(double value) {
      return Double.parseDouble(String.format(Locale.ROOT, "%.4g", value));
    }
  }

  /** Runs n steps and waits for them. */
  private interface Steps {
    void run(int n);
  }

  GpuTimes(int device, String torchScript, int blocks, boolean tunes) {
    this.device = device;
    this.torchScript = torchScript;
    this.blocks = blocks;
    this.tunes = tunes;
  }

  /** Whether both sides computed the same. */
  boolean passed() {
    return passed;
  }

  Map<String, Object> run() {
    var record = new LinkedHashMap<String, Object>();
    TorchPeer torch = torchScript == null ? null : new TorchPeer(torchScript, device);
    try (var context = new CudaContext(device)) {
      if (torch != null) {
        System.out.println(torch.version());
        record.put("peer", torch.version());
      }
      copies(context, record);
      System.out.printf(
          "%-34s %-6s %9s %17s %9s %9s %17s %7s %9s %9s %9s%n",
          "forward and backward, ms a step",
          "",
          "ours",
          "",
          "queued",
          "PyTorch",
          "",
          "ratio",
          "captured",
          "with bus",
          "apart");
      for (Cell cell : List.of(Cell.LSTM, Cell.GRU)) {
        for (int[] size : SIZES) {
          var shape = new StackShape(cell, size[2], size[3], LAYERS, false);
          var trial = new StackTrial(shape, shape.parts(), size[0], size[1], null, false, 17);
          for (CudaPrecision precision : CudaPrecision.values()) {
            try {
              one(context, torch, trial, precision, record);
            } catch (RuntimeException e) {
              passed = false;
              System.out.printf("FAIL %s, %s: %s%n", shape, precision.label(), e);
            }
          }
        }
      }
    } finally {
      if (torch != null) {
        torch.close();
      }
    }
    return record;
  }

  private void one(
      CudaContext context,
      TorchPeer torch,
      StackTrial trial,
      CudaPrecision precision,
      Map<String, Object> record) {
    StackShape shape = trial.shape;
    var entry = new LinkedHashMap<String, Object>();
    String name = "%s, T=%d, B=%d".formatted(shape, trial.T, trial.B);
    record.put(name + ", " + precision.label(), entry);
    if (tunes) {
      for (RnnAlgorithm algorithm : RnnAlgorithm.values()) {
        tune(context, trial, precision, algorithm, true, entry);
        tune(context, trial, precision, algorithm, false, entry);
      }
    }
    try (var stack = new CudnnStack(context, shape, precision)) {
      StackTrial.Result ours = trial.run(stack);
      double apart = 0;
      if (torch != null) {
        torch.load(trial, precision);
        apart = distance(ours, torch.results(trial));
        // the same library from the same numbers: what is left is the order of sums
        passed &= apart < 10 * GpuCheck.tolerance(precision);
        entry.put("distanceToPeer", Times.rounded(apart));
      }
      Steps alone = stepsOnDevice(context, trial, stack);
      Steps withBus = stepsWithBus(trial, stack);
      int n = stepsOfABlock(alone);
      int busN = stepsOfABlock(withBus);
      int torchN = torch == null ? 0 : stepsOfABlock(torch::time);
      var oursEach = new ArrayList<Double>();
      var busEach = new ArrayList<Double>();
      var torchEach = new ArrayList<Double>();
      var capturedEach = new ArrayList<Double>();
      int capturedN = torch == null ? 0 : stepsOfABlock(torch::timeCaptured);
      for (int block = 0; block < blocks; block++) {
        oursEach.add(milliseconds(alone, n));
        if (torch != null) {
          torchEach.add(torch.time(torchN) / torchN);
          capturedEach.add(torch.timeCaptured(capturedN) / capturedN);
        }
        busEach.add(milliseconds(withBus, busN));
      }
      var oursTimes = new Times(oursEach);
      var busTimes = new Times(busEach);
      entry.put("ways", stack.waysOf(0));
      // x, y and their gradients, parameters and theirs
      long floats = 2L * (trial.x.length + trial.dy.length + trial.parameters.length);
      entry.put("busMebibytes", floats * Float.BYTES >> 20);
      stack.neverReplay();
      var queuedEach = new ArrayList<Double>();
      int queuedN = stepsOfABlock(alone);
      for (int block = 0; block < 3; block++) {
        queuedEach.add(milliseconds(alone, queuedN));
      }
      entry.put("onTheDeviceQueued", new Times(queuedEach).record());
      entry.put("onTheDevice", oursTimes.record());
      entry.put("withTheBus", busTimes.record());
      entry.put("deviceMebibytes", (stack.deviceBytes() + context.deviceBytes()) >> 20);
      var torchTimes = torch == null ? null : new Times(torchEach);
      double ratio = 0;
      double captured = 0;
      if (torchTimes != null) {
        // of blocks that ran one after the other
        double[] ratios = new double[blocks];
        for (int k = 0; k < blocks; k++) {
          ratios[k] = torchEach.get(k) / oursEach.get(k);
        }
        Arrays.sort(ratios);
        ratio = ratios[blocks / 2];
        entry.put("peer", torchTimes.record());
        captured = new Times(capturedEach).median();
        entry.put("peerCapturedByHand", new Times(capturedEach).record());
        entry.put("speedOverPeer", Times.rounded(ratio));
        entry.put("speedOverPeerLeast", Times.rounded(ratios[0]));
        entry.put("speedOverPeerMost", Times.rounded(ratios[blocks - 1]));
      }
      entry.put("teraflops", Times.rounded(flops(trial) / oursTimes.median() / 1e9));
      System.out.printf(
          Locale.ROOT,
          "%-34s %-6s %9.3f %17s %9.3f %9s %17s %7.3f %9.3f %9.3f %9.1e%n",
          name,
          precision.label(),
          oursTimes.median(),
          spread(oursTimes),
          new Times(queuedEach).median(),
          torchTimes == null ? "" : String.format(Locale.ROOT, "%.3f", torchTimes.median()),
          torchTimes == null ? "" : spread(torchTimes),
          ratio,
          captured,
          busTimes.median(),
          apart);
    }
  }

  private static String spread(Times times) {
    double[] all = times.milliseconds();
    return String.format(Locale.ROOT, "(%.3f–%.3f)", all[0], all[all.length - 1]);
  }

  private void tune(
      CudaContext context,
      StackTrial trial,
      CudaPrecision precision,
      RnnAlgorithm algorithm,
      boolean replays,
      Map<String, Object> entry) {
    try (var stack = new CudnnStack(context, trial.shape, precision, false, algorithm)) {
      if (!replays) {
        stack.neverReplay();
      }
      trial.run(stack);
      Steps steps = stepsOnDevice(context, trial, stack);
      int n = stepsOfABlock(steps);
      var each = new ArrayList<Double>();
      for (int block = 0; block < 3; block++) {
        each.add(milliseconds(steps, n));
      }
      double median = new Times(each).median();
      entry.put("milliseconds, " + stack.waysOf(0), Times.rounded(median));
      System.out.printf(
          Locale.ROOT, "      %s: %.3f ms (%s)%n", precision.label(), median, stack.waysOf(0));
    } catch (CudaException e) {
      System.out.printf("      %s %s: %s%n", algorithm, precision.label(), e.getMessage());
    }
  }

  /** Everything lies on the device already; a gradient sum begins anew with each step. */
  private static Steps stepsOnDevice(CudaContext context, StackTrial trial, CudnnStack stack) {
    return n -> {
      for (int k = 0; k < n; k++) {
        stack.stepOnDevice(0);
      }
      context.await();
    };
  }

  /** What a trainer does: new parameters, x up and y down, dy up and dx down, gradients down. */
  private static Steps stepsWithBus(StackTrial trial, CudnnStack stack) {
    FloatPointer[] parameters = {
      StackTrial.floats(trial.parameters),
      StackTrial.floats(Arrays.stream(trial.parameters).map(v -> v * 0.999).toArray())
    };
    FloatPointer x = StackTrial.floats(trial.x);
    FloatPointer dy = StackTrial.floats(trial.dy);
    FloatPointer y = StackTrial.room(trial.dy.length);
    FloatPointer dx = StackTrial.room(trial.x.length);
    FloatPointer gradients = StackTrial.room(trial.parameters.length);
    return n -> {
      for (int k = 0; k < n; k++) {
        stack.setParameters(parameters[k % 2]);
        stack.forward(0, trial.T, trial.B, null, x, null, y, null);
        stack.backward(0, dy, null, dx, null);
        stack.takeGradients(gradients);
      }
    };
  }

  private static int stepsOfABlock(Steps steps) {
    steps.run(10); // and settle between queued and replayed
    double one = milliseconds(steps, 3);
    return (int) Math.max(3, Math.ceil(BLOCK_MILLISECONDS / one));
  }

  private static double milliseconds(Steps steps, int n) {
    long start = System.nanoTime();
    steps.run(n);
    return (System.nanoTime() - start) / 1e6 / n;
  }

  /** Largest distance relative to the largest number of each tensor. */
  private static double distance(StackTrial.Result ours, StackTrial.Result theirs) {
    return Math.max(
        distance(ours.y(), theirs.y()),
        Math.max(distance(ours.dx(), theirs.dx()), distance(ours.gradients(), theirs.gradients())));
  }

  private static double distance(double[] ours, double[] theirs) {
    double largest = 0;
    double apart = 0;
    for (int k = 0; k < ours.length; k++) {
      largest = Math.max(largest, Math.abs(theirs[k]));
      double of = Math.abs(ours[k] - theirs[k]);
      apart = of <= apart ? apart : Double.isNaN(of) ? Double.POSITIVE_INFINITY : of;
    }
    return apart / largest;
  }

  /** Of the products alone, forward and backward. */
  private static double flops(StackTrial trial) {
    double sum = 0;
    for (StackShape.Part part : trial.shape.parts()) {
      double columns = part.shape().inputSize() + part.shape().hiddenSize();
      sum += 3 * 2 * part.shape().cell().gates() * part.shape().hiddenSize() * columns;
    }
    return sum * trial.T * trial.B;
  }

  /** How fast the bus is, straight from a caller's memory and by way of memory made for it. */
  private static void copies(CudaContext context, Map<String, Object> record) {
    for (int floats : new int[] {1 << 16, 1 << 20, 13 << 20}) {
      try (var pinned = new PinnedBuffer();
          var target = new DeviceBuffer();
          var bus = new Bus(context, CudaPrecision.F32);
          var host = new FloatPointer((long) floats)) {
        host.zero();
        long bytes = (long) floats * Float.BYTES;
        target.atLeast(bytes, "copies");
        double[] ms = {
          best(
              () -> {
                bus.copy(target.pointer(), host, bytes, 1);
                context.await();
              }),
          best(
              () -> {
                bus.begin(floats, floats);
                bus.up(host, 1, floats, false, target.pointer(), 1);
                bus.finish();
              }),
          best(
              () -> {
                bus.copy(host, target.pointer(), bytes, 2);
                context.await();
              }),
          best(
              () -> {
                bus.begin(floats, floats);
                bus.down(target.pointer(), host, 1, floats, false, 1, false);
                bus.finish();
              }),
        };
        String line =
            String.format(
                Locale.ROOT,
                "%.2f MiB: up %.3f ms straight, %.3f staged; down %.3f straight, %.3f staged",
                bytes / (double) (1 << 20),
                ms[0],
                ms[1],
                ms[2],
                ms[3]);
        System.out.println(line);
        record.put("bus " + bytes, line);
      }
    }
  }

  private static double best(Runnable copy) {
    double best = Double.POSITIVE_INFINITY;
    for (int k = 0; k < 10; k++) {
      long start = System.nanoTime();
      copy.run();
      best = Math.min(best, (System.nanoTime() - start) / 1e6);
    }
    return best;
  }
}
