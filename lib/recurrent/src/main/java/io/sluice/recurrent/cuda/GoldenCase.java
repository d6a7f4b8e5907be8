package io.sluice.recurrent.cuda;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.CellShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A case of layers as PyTorch's library computed it in float64: a JSON file with tensors named as
 * in PyTorch, batch first. The loss is the sum of output times {@code loss_weights}; states begin
 * at zero.
 */
final class GoldenCase {
  private static final Map<String, Cell> CELLS =
      Map.of(
          "lstm", Cell.LSTM,
          "peephole_lstm", Cell.PEEPHOLE_LSTM,
          "layernorm_lstm", Cell.LAYERNORM_LSTM,
          "gru", Cell.GRU,
          "rnn_tanh", Cell.RNN);

  final String name;
  final StackShape shape;
  final int T;
  final int B;
  private final JsonNode json;

  private GoldenCase(String name, JsonNode json) {
    this.name = name;
    this.json = json;
    this.T = json.get("T").asInt();
    this.B = json.get("B").asInt();
    this.shape =
        new StackShape(
            CELLS.get(json.get("kind").asText()),
            json.get("I").asInt(),
            json.get("H").asInt(),
            json.get("layers").asInt(),
            json.get("bidirectional").asInt() == 1);
  }

  /** All cases of layers in a folder; training trajectories are none. */
  static List<GoldenCase> all(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      var cases = new ArrayList<GoldenCase>();
      var mapper = new ObjectMapper();
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        JsonNode json = mapper.readTree(file.toFile());
        if (CELLS.containsKey(json.path("kind").asText())) {
          cases.add(new GoldenCase(file.getFileName().toString(), json));
        }
      }
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read reference values in " + folder, e);
    }
  }

  double[] parameters() {
    double[] all = new double[Math.toIntExact(shape.parameterCount())];
    for (StackShape.Part part : shape.parts()) {
      int H = shape.hiddenSize();
      int rows = part.shape().cell().gates() * H;
      put(all, part, "W", values("weight_ih" + suffix(part)), 0, 0);
      put(all, part, "RW", values("weight_hh" + suffix(part)), 0, 0);
      double[] second = values("bias_hh" + suffix(part));
      boolean gru = shape.cell() == Cell.GRU;
      put(all, part, "b", values("bias_ih" + suffix(part)), 0, 0);
      for (int k = 0; k < rows; k++) {
        // both biases of one sum are one here; that of a GRU's recurrent n stands by itself
        int to = Math.toIntExact(part.offset() + part.shape().parameter("b").offset()) + k;
        all[gru && k >= 2 * H ? to + H : to] += second[k];
      }
    }
    return all;
  }

  /** The gradients of the block: those of PyTorch's input-side bias, and a GRU's recurrent n. */
  double[] gradients() {
    double[] all = new double[Math.toIntExact(shape.parameterCount())];
    for (StackShape.Part part : shape.parts()) {
      int H = shape.hiddenSize();
      put(all, part, "W", values("grad_weight_ih" + suffix(part)), 0, 0);
      put(all, part, "RW", values("grad_weight_hh" + suffix(part)), 0, 0);
      put(all, part, "b", values("grad_bias_ih" + suffix(part)), 0, 0);
      if (shape.cell() == Cell.GRU) {
        put(all, part, "b", values("grad_bias_hh" + suffix(part)), 3 * H, 2 * H);
      }
    }
    return all;
  }

  private static void put(
      double[] all, StackShape.Part part, String block, double[] values, int to, int from) {
    CellShape.Parameter parameter = part.shape().parameter(block);
    int start = Math.toIntExact(part.offset() + parameter.offset()) + to;
    System.arraycopy(values, from, all, start, values.length - from);
  }

  static String suffix(StackShape.Part part) {
    return "_l%d%s"
        .formatted(
            part.layer(),
            part.direction() == io.sluice.recurrent.kernel.Direction.BACKWARD ? "_reverse" : "");
  }

  /** h_n or c_n, layer after layer; null if the file has none. */
  double[] states(String state) {
    int length = B * shape.hiddenSize();
    List<StackShape.Part> parts = shape.parts();
    double[] all = new double[parts.size() * length];
    for (int p = 0; p < parts.size(); p++) {
      String key = state + suffix(parts.get(p));
      if (!json.has(key)) {
        return null;
      }
      System.arraycopy(values(key), 0, all, p * length, length);
    }
    return all;
  }

  /** A tensor (B, T, n) as (T, B, n). */
  double[] timeMajor(String key) {
    double[] batchMajor = values(key);
    int n = batchMajor.length / (B * T);
    double[] swapped = new double[batchMajor.length];
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        System.arraycopy(batchMajor, (b * T + t) * n, swapped, (t * B + b) * n, n);
      }
    }
    return swapped;
  }

  private double[] values(String key) {
    JsonNode node = json.get(key);
    if (node == null) {
      throw new IllegalStateException("%s has no %s".formatted(name, key));
    }
    JsonNode data = node.has("data") ? node.get("data") : node;
    double[] values = new double[data.size()];
    for (int k = 0; k < values.length; k++) {
      values[k] = data.get(k).asDouble();
    }
    return values;
  }

  @Override
  public String toString() {
    return name;
  }
}
