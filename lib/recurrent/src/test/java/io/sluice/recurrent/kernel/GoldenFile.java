package io.sluice.recurrent.kernel;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Reference values of one case: float64 from PyTorch's library, a JSON file a case. The folder is
 * named by {@code SLUICE_REFERENCE}; a case is added by adding a file.
 */
public final class GoldenFile {
  private static final Map<String, Cell> CELLS =
      Map.of(
          "lstm", Cell.LSTM,
          "peephole_lstm", Cell.PEEPHOLE_LSTM,
          "layernorm_lstm", Cell.LAYERNORM_LSTM,
          "gru", Cell.GRU,
          "rnn_tanh", Cell.RNN);

  private final String name;
  private final JsonNode json;

  private GoldenFile(String name, JsonNode json) {
    this.name = name;
    this.json = json;
  }

  /** All cases of the folder. */
  public static List<GoldenFile> all() {
    String named = System.getenv("SLUICE_REFERENCE");
    Path folder = Path.of(named != null && !named.isBlank() ? named : "../../../shared/reference");
    try (Stream<Path> files = Files.list(folder)) {
      var cases = new ArrayList<GoldenFile>();
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        cases.add(
            new GoldenFile(
                file.getFileName().toString(), new ObjectMapper().readTree(file.toFile())));
      }
      if (cases.isEmpty()) {
        throw new IllegalStateException("No *.json in " + folder.toAbsolutePath());
      }
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot read reference values in %s: name their folder in SLUICE_REFERENCE"
              .formatted(folder.toAbsolutePath()),
          e);
    }
  }

  /** Whether it is a case of layers; else it is a training trajectory. */
  public boolean isLayers() {
    return !isTrajectory();
  }

  /** Whether it is a training trajectory. */
  public boolean isTrajectory() {
    return kind().endsWith("_classifier");
  }

  public String kind() {
    return json.get("kind").asText();
  }

  public Cell cell() {
    Cell cell = CELLS.get(kind());
    if (cell == null) {
      throw new IllegalStateException(
          "%s is of kind %s; known are %s and *_classifier"
              .formatted(name, kind(), CELLS.keySet()));
    }
    return cell;
  }

  public int size(String key) {
    return json.get(key).asInt();
  }

  public boolean has(String key) {
    return json.has(key);
  }

  /** A tensor, row-major, or a plain list. */
  public double[] values(String key) {
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

  /**
   * The block of a layer's parameters, from tensors named as in PyTorch.
   *
   * @param prefix before each name, e.g. {@code grad_} or {@code initial.lstm.}
   * @param suffix {@code _l0}, {@code _l1_reverse}
   */
  public double[] block(CellShape shape, String prefix, String suffix) {
    double[] block = new double[Math.toIntExact(shape.parameterCount())];
    put(block, shape, "W", values(prefix + "weight_ih" + suffix));
    put(block, shape, "RW", values(prefix + "weight_hh" + suffix));
    double[] b = values(prefix + "bias_ih" + suffix);
    double[] recurrent = values(prefix + "bias_hh" + suffix);
    boolean isGradient = prefix.equals("grad_");
    int H = shape.hiddenSize();
    int bStart = Math.toIntExact(shape.parameter("b").offset());
    for (int row = 0; row < b.length; row++) {
      boolean parted = shape.cell() == Cell.GRU && row >= 2 * H;
      // both biases of a sum have the same gradient
      block[bStart + row] = parted || isGradient ? b[row] : b[row] + recurrent[row];
      if (parted) {
        block[bStart + row + H] = recurrent[row];
      }
    }
    if (shape.cell() == Cell.PEEPHOLE_LSTM) {
      int start = Math.toIntExact(shape.parameter("P").offset());
      String[] gates = {"i", "f", "o"};
      for (int gate = 0; gate < gates.length; gate++) {
        double[] peephole = values(prefix + "peephole_" + gates[gate] + suffix);
        System.arraycopy(peephole, 0, block, start + gate * H, H);
      }
    }
    if (shape.cell() == Cell.LAYERNORM_LSTM) {
      put(block, shape, "gainX", values(prefix + "ln_ih_gain" + suffix));
      put(block, shape, "gainH", values(prefix + "ln_hh_gain" + suffix));
      put(block, shape, "gainC", values(prefix + "ln_c_gain" + suffix));
      put(block, shape, "biasC", values(prefix + "ln_c_bias" + suffix));
    }
    return block;
  }

  private static void put(double[] block, CellShape shape, String parameter, double[] values) {
    CellShape.Parameter target = shape.parameter(parameter);
    if (values.length != target.length()) {
      throw new IllegalStateException(
          "%s has %d values, expected %d".formatted(parameter, values.length, target.length()));
    }
    System.arraycopy(values, 0, block, Math.toIntExact(target.offset()), values.length);
  }

  /** (B, T, n) as (T, B, n), and back. */
  public static double[] swapped(double[] tensor, int first, int second, int n) {
    double[] swapped = new double[tensor.length];
    for (int i = 0; i < first; i++) {
      for (int j = 0; j < second; j++) {
        System.arraycopy(tensor, (i * second + j) * n, swapped, (j * first + i) * n, n);
      }
    }
    return swapped;
  }

  @Override
  public String toString() {
    return name;
  }
}
