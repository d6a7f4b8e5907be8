package io.sluice.recurrent.model;

import io.sluice.recurrent.kernel.CellShape;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers of a network with what they hold and cost, counted from its description.
 *
 * <p>Parameters of a layer with I inputs and H units: LSTM {@code 4(IH + H² + H)}, other cells as
 * {@link CellShape} says, dense {@code IH + H}; a bidirectional layer has twice its cell's and puts
 * out 2H. An embedding of V words has {@code VE}, and looks up in place of multiplying.
 *
 * <p>Floating-point operations are those of the matrix products, two for each weight and time step
 * ({@code 2·G·H·(I + H)·T} for a recurrent layer), and attention's over pairs of time steps; a
 * training step takes three times the forward pass: outputs, gradients of inputs, gradients of
 * weights. Of an adaptive softmax a time step meets the clusters as often as Zipf's law says. Bytes
 * are what a window's forward pass leaves for backward in float32: activated gates, hidden and cell
 * state of every time step, what attention projects, outputs.
 *
 * @param layers lowest first
 */
public record ModelSummary(List<LayerSummary> layers) {

  /**
   * @param name kind of layer
   * @param inputs numbers in, per time step
   * @param outputs numbers out
   * @param forwardFlops floating-point operations of a window's forward pass
   * @param keptBytes what a window's forward pass leaves for backward
   */
  public record LayerSummary(
      String name, int inputs, int outputs, long parameters, long forwardFlops, long keptBytes) {

    /** The output layer that is tied to an embedding has a bias of its own. */
    private LayerSummary withParameters(long parameters) {
      return new LayerSummary(name, inputs, outputs, parameters, forwardFlops, keptBytes);
    }

    /** The output layer over classes computes a few rows at a time, forward and back. */
    private LayerSummary keepingNothing() {
      return new LayerSummary(name, inputs, outputs, parameters, forwardFlops, 0);
    }
  }

  public ModelSummary {
    layers = List.copyOf(layers);
  }

  /** The summary of a description. */
  public static ModelSummary of(ModelSpec spec) {
    var layers = new ArrayList<LayerSummary>();
    int inputs = spec.inputSize();
    if (spec.hasEmbedding()) {
      layers.add(embedding(spec));
      inputs = spec.embedding().size();
    }
    for (int units : spec.hiddenSizes()) {
      layers.add(recurrent(spec, inputs, units));
      inputs = layers.get(layers.size() - 1).outputs();
      if (spec.layerNorm()) {
        layers.add(layerNorm(spec.lookBack(), inputs));
      }
    }
    if (spec.regularizers().addsToLoss()) {
      layers.add(
          new LayerSummary(
              "activation regularization",
              inputs,
              inputs,
              0,
              0,
              (long) spec.lookBack() * inputs * Float.BYTES));
    }
    switch (spec.attention().kind()) {
      case NONE -> {
        // no layer
      }
      case ADDITIVE -> layers.add(additive(spec.lookBack(), inputs, spec.attention().size()));
      case SELF_ATTENTION -> layers.add(self(spec.lookBack(), inputs, spec.attention().heads()));
    }
    inputs = spec.outputsOverTime();
    long steps = spec.output() == ModelSpec.Output.SEQUENCE ? spec.lookBack() : 1;
    for (int units : spec.denseSizes()) {
      layers.add(dense("dense", inputs, units, steps));
      inputs = units;
    }
    if (spec.hasProjection()) {
      layers.add(dense("projection", inputs, spec.embedding().size(), steps));
      inputs = spec.embedding().size();
    }
    String head =
        switch (spec.head().kind()) {
          case REGRESSION -> "head: regression";
          case QUANTILES -> "head: quantiles " + spec.head().quantiles();
          case CLASSES -> "head: classes" + softmax(spec);
        };
    LayerSummary whole = dense(head, inputs, spec.outputSize(), steps);
    LayerSummary output = spec.embedding().tied() ? whole.withParameters(whole.outputs()) : whole;
    if (spec.head().adaptive() != null) {
      output = adaptive(head, inputs, spec, steps);
    }
    layers.add(spec.head().kind() == Head.Kind.CLASSES ? output.keepingNothing() : output);
    return new ModelSummary(layers);
  }

  private static String softmax(ModelSpec spec) {
    if (spec.head().adaptive() != null) {
      return ", adaptive from " + spec.head().adaptive().cutoffs();
    }
    return spec.embedding().tied() ? ", tied" : "";
  }

  private static LayerSummary adaptive(String name, int inputs, ModelSpec spec, long steps) {
    int V = spec.outputSize();
    double met = spec.head().adaptive().weightsMet(V, inputs);
    return new LayerSummary(
        name,
        inputs,
        V,
        spec.head().adaptive().parameters(V, inputs),
        Math.round(steps * 2 * met),
        0);
  }

  private static LayerSummary embedding(ModelSpec spec) {
    long E = spec.embedding().size();
    return new LayerSummary(
        spec.embedding().frozen() ? "embedding, frozen" : "embedding",
        1,
        spec.embedding().size(),
        spec.embedding().words() * E,
        0,
        spec.lookBack() * E * Float.BYTES);
  }

  private static LayerSummary recurrent(ModelSpec spec, int I, int H) {
    int directions = spec.bidirectional() ? 2 : 1;
    int G = spec.cell().gates();
    int states = spec.cell().hasCellState() ? 2 : 1;
    long steps = (long) directions * spec.lookBack();
    return new LayerSummary(
        (directions == 2 ? "bidirectional " : "") + spec.cell().label(),
        I,
        directions * H,
        directions * new CellShape(spec.cell(), I, H).parameterCount(),
        steps * 2 * G * H * ((long) I + H),
        steps * (G + states) * H * Float.BYTES);
  }

  private static LayerSummary layerNorm(long T, int H) {
    return new LayerSummary("layer norm", H, H, 2L * H, 0, T * (H + 2) * Float.BYTES);
  }

  private static LayerSummary additive(long T, int H, long A) {
    return new LayerSummary(
        "additive attention",
        H,
        H,
        H * A + 2 * A + 1,
        T * 2 * (H * A + A + H),
        (T * (A + 1) + H) * Float.BYTES);
  }

  private static LayerSummary self(long T, int H, int heads) {
    return new LayerSummary(
        "self-attention, %d head%s".formatted(heads, heads == 1 ? "" : "s"),
        H,
        H,
        4 * ((long) H * H + H),
        T * 2 * H * (4L * H + 2 * T),
        T * 5 * H * Float.BYTES);
  }

  private static LayerSummary dense(String name, long I, int H, long steps) {
    return new LayerSummary(
        name, Math.toIntExact(I), H, I * H + H, steps * 2 * I * H, steps * H * Float.BYTES);
  }

  /** Parameters of the whole network. */
  public long parameters() {
    return layers.stream().mapToLong(LayerSummary::parameters).sum();
  }

  /** Floating-point operations of a training step. */
  public long stepFlops(int batchSize) {
    return 3L * batchSize * layers.stream().mapToLong(LayerSummary::forwardFlops).sum();
  }

  /** What the forward pass of a training step leaves for backward, in bytes. */
  public long stepBytes(int batchSize) {
    return batchSize * layers.stream().mapToLong(LayerSummary::keptBytes).sum();
  }

  /**
   * A table for a person, one layer a line, the sum below.
   *
   * @param batchSize windows of a training step
   */
  public String text(int batchSize) {
    String columns = "%-32s %7s %8s %12s %13s %11s";
    var text = new StringBuilder();
    text.append(
        (columns + "%n")
            .formatted("layer", "inputs", "outputs", "parameters", "MFLOP a step", "MiB a step"));
    for (LayerSummary layer : layers) {
      text.append(
          "%-32s %7d %8d %,12d %,13.1f %,11.2f%n"
              .formatted(
                  layer.name(),
                  layer.inputs(),
                  layer.outputs(),
                  layer.parameters(),
                  3L * batchSize * layer.forwardFlops() / 1e6,
                  (double) batchSize * layer.keptBytes() / (1 << 20)));
    }
    return text.append(
            "%-32s %7s %8s %,12d %,13.1f %,11.2f"
                .formatted(
                    "sum",
                    "",
                    "",
                    parameters(),
                    stepFlops(batchSize) / 1e6,
                    (double) stepBytes(batchSize) / (1 << 20)))
        .toString();
  }
}
