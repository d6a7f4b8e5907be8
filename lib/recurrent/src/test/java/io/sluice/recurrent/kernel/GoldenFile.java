package io.sluice.recurrent.kernel;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Reference values of one case: float64 from PyTorch's library, a JSON file a case. The folder is
 * named by {@code SLUICE_REFERENCE}; a case is added by adding a file.
 */
public final class GoldenFile {
  private static final SortedMap<String, Cell> CELLS =
      new TreeMap<>(
          Map.of(
              "lstm", Cell.LSTM,
              "peephole_lstm", Cell.PEEPHOLE_LSTM,
              "layernorm_lstm", Cell.LAYERNORM_LSTM,
              "gru", Cell.GRU,
              "rnn_tanh", Cell.RNN));

  private static final List<String> TRAJECTORIES =
      List.of("attention_lstm_classifier", "lstm_classifier");

  private final String name;
  private final JsonNode json;

  /** Why the test of this case must fail, whatever it asks; null if the file can be read. */
  private final String problem;

  private GoldenFile(String name, JsonNode json, String problem) {
    this.name = name;
    this.json = json;
    this.problem = problem;
  }

  /** The folder that the environment names. */
  static Path folder() {
    String named = System.getenv("SLUICE_REFERENCE");
    return Path.of(named != null && !named.isBlank() ? named : "../../../shared/reference")
        .toAbsolutePath()
        .normalize();
  }

  /** All cases of the folder that the environment names. */
  public static List<GoldenFile> all() {
    return all(folder());
  }

  static List<GoldenFile> all(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new IllegalStateException(
          "Reference values are not at %s: set SLUICE_REFERENCE to the folder of their *.json"
              .formatted(folder));
    }
    try (Stream<Path> files = Files.list(folder)) {
      var cases = new ArrayList<GoldenFile>();
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        cases.add(read(file));
      }
      if (cases.isEmpty()) {
        throw new IllegalStateException(
            "%s has no *.json: set SLUICE_REFERENCE to the folder of reference values"
                .formatted(folder));
      }
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read reference values in " + folder, e);
    }
  }

  private static GoldenFile read(Path file) throws IOException {
    String name = file.getFileName().toString();
    try {
      JsonNode json = new ObjectMapper().readTree(file.toFile());
      return new GoldenFile(name, json, kindProblem(name, json.path("kind").asText(null)));
    } catch (JsonProcessingException e) {
      return new GoldenFile(
          name,
          NullNode.instance,
          "%s is not JSON: %s (line %d)"
              .formatted(name, e.getOriginalMessage(), e.getLocation().getLineNr()));
    }
  }

  private static String kindProblem(String name, String kind) {
    if (kind == null) {
      return name + " has no kind";
    }
    if (CELLS.containsKey(kind) || TRAJECTORIES.contains(kind)) {
      return null;
    }
    var known = new TreeSet<>(CELLS.keySet());
    known.addAll(TRAJECTORIES);
    return "%s is of kind %s, which no test checks; known are %s".formatted(name, kind, known);
  }

  /** The cases of layers; the asking test is skipped if the folder has none. */
  static Stream<GoldenFile> layers(Path folder) {
    return some(all(folder).stream().filter(GoldenFile::isLayers).toList(), "layers", folder);
  }

  /** The training trajectories; the asking test is skipped if the folder has none. */
  static Stream<GoldenFile> trajectories(Path folder) {
    return some(
        all(folder).stream().filter(GoldenFile::isTrajectory).toList(),
        "training trajectories",
        folder);
  }

  private static Stream<GoldenFile> some(List<GoldenFile> cases, String what, Path folder) {
    Assumptions.assumeFalse(cases.isEmpty(), () -> "%s has no %s".formatted(folder, what));
    return cases.stream();
  }

  /** Whether it is a case of layers, or one whose test says why it is neither. */
  public boolean isLayers() {
    return !isTrajectory();
  }

  /** Whether it is a training trajectory. */
  public boolean isTrajectory() {
    return problem == null && TRAJECTORIES.contains(kind());
  }

  public String kind() {
    return node("kind").asText();
  }

  /** The cell of a case of layers. */
  public Cell cell() {
    return CELLS.get(kind());
  }

  public int size(String key) {
    JsonNode node = node(key);
    if (!node.isIntegralNumber()) {
      throw new IllegalStateException(
          "%s: %s must be an integer, but is %s".formatted(name, key, node));
    }
    return node.asInt();
  }

  public boolean has(String key) {
    return json.has(key);
  }

  private JsonNode node(String key) {
    if (problem != null) {
      throw new IllegalStateException(problem);
    }
    JsonNode node = json.get(key);
    if (node == null) {
      throw new IllegalStateException("%s has no %s".formatted(name, key));
    }
    return node;
  }

  /** A tensor, row-major, or a plain list, or a number. */
  public double[] values(String key) {
    JsonNode node = node(key);
    if (node.isNumber()) {
      return new double[] {node.asDouble()};
    }
    JsonNode data = node.has("data") ? node.get("data") : node;
    double[] values = new double[data.size()];
    for (int k = 0; k < values.length; k++) {
      if (!data.get(k).isNumber()) {
        throw new IllegalStateException(
            "%s: %s[%d] must be a number, but is %s".formatted(name, key, k, data.get(k)));
      }
      values[k] = data.get(k).asDouble();
    }
    requireShape(key, node.get("shape"), values.length);
    return values;
  }

  private void requireShape(String key, JsonNode shape, int length) {
    long product = 1;
    if (shape != null) {
      for (JsonNode size : shape) {
        product *= size.asLong();
      }
      if (product != length) {
        throw new IllegalStateException(
            "%s: %s has %d values, expected those of shape %s".formatted(name, key, length, shape));
      }
    }
  }

  /**
   * The block of a layer's parameters, from tensors named as in PyTorch.
   *
   * @param prefix before each name, e.g. {@code initial.lstm.}
   * @param suffix {@code _l0}, {@code _l1_reverse}
   */
  public double[] block(CellShape shape, String prefix, String suffix) {
    double[] block = new double[Math.toIntExact(shape.parameterCount())];
    slices(shape)
        .forEach(
            (tensor, slice) -> {
              String key = prefix + tensor + suffix;
              double[] values = values(key);
              if (values.length != slice.length()) {
                throw new IllegalStateException(
                    "%s: %s has %d values, expected %d (I=%d, H=%d)"
                        .formatted(
                            name,
                            key,
                            values.length,
                            slice.length(),
                            shape.inputSize(),
                            shape.hiddenSize()));
              }
              for (int k = 0; k < values.length; k++) {
                // two biases of one sum are one bias here
                block[slice.at(k)] += values[k];
              }
            });
    return block;
  }

  /** A block of gradients as PyTorch's tensors: both biases of one sum have its gradient. */
  static Map<String, double[]> tensors(CellShape shape, double[] block) {
    var tensors = new LinkedHashMap<String, double[]>();
    slices(shape)
        .forEach(
            (tensor, slice) -> {
              double[] values = new double[slice.length()];
              Arrays.setAll(values, k -> block[slice.at(k)]);
              tensors.put(tensor, values);
            });
    return tensors;
  }

  /**
   * Where a tensor of PyTorch's stands in a block: from {@code start} on, its elements from {@code
   * partedFrom} on {@code gap} further behind.
   */
  private record Slice(int start, int length, int partedFrom, int gap) {
    int at(int k) {
      return start + k + (k >= partedFrom ? gap : 0);
    }
  }

  private static Map<String, Slice> slices(CellShape shape) {
    int H = shape.hiddenSize();
    var slices = new LinkedHashMap<String, Slice>();
    slices.put("weight_ih", slice(shape, "W"));
    slices.put("weight_hh", slice(shape, "RW"));
    int bias = Math.toIntExact(shape.parameter("b").offset());
    int rows = shape.cell().gates() * H;
    slices.put("bias_ih", new Slice(bias, rows, rows, 0));
    // a GRU's n adds the two at different places: the recurrent one has rows of its own
    slices.put("bias_hh", new Slice(bias, rows, shape.cell() == Cell.GRU ? 2 * H : rows, H));
    if (shape.cell() == Cell.PEEPHOLE_LSTM) {
      int start = Math.toIntExact(shape.parameter("P").offset());
      slices.put("peephole_i", new Slice(start, H, H, 0));
      slices.put("peephole_f", new Slice(start + H, H, H, 0));
      slices.put("peephole_o", new Slice(start + 2 * H, H, H, 0));
    }
    if (shape.cell() == Cell.LAYERNORM_LSTM) {
      slices.put("ln_ih_gain", slice(shape, "gainX"));
      slices.put("ln_hh_gain", slice(shape, "gainH"));
      slices.put("ln_c_gain", slice(shape, "gainC"));
      slices.put("ln_c_bias", slice(shape, "biasC"));
    }
    return slices;
  }

  private static Slice slice(CellShape shape, String name) {
    CellShape.Parameter parameter = shape.parameter(name);
    int length = Math.toIntExact(parameter.length());
    return new Slice(Math.toIntExact(parameter.offset()), length, length, 0);
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
