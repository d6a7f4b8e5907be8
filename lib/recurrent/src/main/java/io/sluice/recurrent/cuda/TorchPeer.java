package io.sluice.recurrent.cuda;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * PyTorch in a process beside this one, which does what a line tells it and answers with a line.
 */
final class TorchPeer implements AutoCloseable {
  private final Process process;
  private final BufferedWriter out;
  private final BufferedReader in;
  private final Path folder;

  TorchPeer(String script, int device) {
    try {
      folder = Files.createTempDirectory("gpu-check");
      process =
          new ProcessBuilder("python3", script, folder.toString(), Integer.toString(device))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      out =
          new BufferedWriter(
              new OutputStreamWriter(process.getOutputStream(), StandardCharsets.US_ASCII));
      in =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException("python3 does not start", e);
    }
  }

  /** What it is, e.g. "PyTorch 2.11.0+cu130, cuDNN 91900". */
  String version() {
    return ask("version");
  }

  /** Builds a stack and a batch, the same as ours. */
  void load(StackTrial trial, CudaPrecision precision) {
    write("parameters", trial.parameters);
    write("x", trial.x);
    write("dy", trial.dy);
    ask(
        "load %s %d %d %d %s %d %d"
            .formatted(
                trial.shape.cell(),
                trial.shape.inputSize(),
                trial.shape.hiddenSize(),
                trial.shape.layers(),
                precision.label(),
                trial.T,
                trial.B));
  }

  /** y, dx and the gradients of the parameters, in our order. */
  StackTrial.Result results(StackTrial trial) {
    ask("results");
    return new StackTrial.Result(
        read("y", trial.dy.length),
        null,
        null,
        read("dx", trial.x.length),
        null,
        null,
        read("gradients", trial.parameters.length));
  }

  /** Milliseconds of n training steps. */
  double time(int n) {
    return Double.parseDouble(ask("time " + n));
  }

  /** The same, captured by hand as a CUDA graph, which nn.LSTM does not do by itself. */
  double timeCaptured(int n) {
    return Double.parseDouble(ask("captured " + n));
  }

  private String ask(String line) {
    try {
      out.write(line);
      out.newLine();
      out.flush();
      String answer = in.readLine();
      if (answer == null || answer.startsWith("error")) {
        throw new IllegalStateException(
            "PyTorch's side failed at '%s': %s".formatted(line, answer));
      }
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException("PyTorch's side is gone", e);
    }
  }

  private void write(String name, double[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      bytes.putFloat((float) value);
    }
    try {
      Files.write(folder.resolve(name), bytes.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private double[] read(String name, int length) {
    try {
      ByteBuffer bytes =
          ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name))).order(ByteOrder.LITTLE_ENDIAN);
      double[] values = new double[length];
      for (int k = 0; k < length; k++) {
        values[k] = bytes.getFloat();
      }
      return values;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
