package io.sluice.recurrent.model;

import io.sluice.recurrent.kernel.CellShape;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers and parameters of a network, counted from its description.
 *
 * <p>Parameters of a layer with I inputs and H units: LSTM {@code 4(IH + H² + H)}, other cells as
 * {@link CellShape} says, dense {@code IH + H}; a bidirectional layer has twice its cell's and puts
 * out 2H.
 *
 * @param layers lowest first
 */
public record ModelSummary(List<LayerSummary> layers) {

  /**
   * @param name kind of layer
   * @param inputs numbers in, per time step
   * @param outputs numbers out
   */
  public record LayerSummary(String name, int inputs, int outputs, long parameters) {}

  public ModelSummary {
    layers = List.copyOf(layers);
  }

  /** The summary of a description. */
  public static ModelSummary of(ModelSpec spec) {
    var layers = new ArrayList<LayerSummary>();
    int directions = spec.bidirectional() ? 2 : 1;
    int inputs = spec.inputSize();
    for (int units : spec.hiddenSizes()) {
      layers.add(
          new LayerSummary(
              (directions == 2 ? "bidirectional " : "") + spec.cell().label(),
              inputs,
              directions * units,
              directions * new CellShape(spec.cell(), inputs, units).parameterCount()));
      inputs = directions * units;
    }
    for (int units : spec.denseSizes()) {
      layers.add(new LayerSummary("dense", inputs, units, denseParameters(inputs, units)));
      inputs = units;
    }
    String head =
        switch (spec.head().kind()) {
          case REGRESSION -> "head: regression";
          case QUANTILES -> "head: quantiles " + spec.head().quantiles();
          case CLASSES -> "head: classes";
        };
    layers.add(
        new LayerSummary(
            head, inputs, spec.outputSize(), denseParameters(inputs, spec.outputSize())));
    return new ModelSummary(layers);
  }

  private static long denseParameters(long I, long H) {
    return I * H + H;
  }

  /** Parameters of the whole network. */
  public long parameters() {
    return layers.stream().mapToLong(LayerSummary::parameters).sum();
  }

  /** A table for a person, one layer a line, the sum below. */
  public String text() {
    var text = new StringBuilder();
    text.append("%-32s %7s %8s %12s%n".formatted("layer", "inputs", "outputs", "parameters"));
    for (LayerSummary layer : layers) {
      text.append(
          "%-32s %7d %8d %,12d%n"
              .formatted(layer.name(), layer.inputs(), layer.outputs(), layer.parameters()));
    }
    return text.append("%-32s %7s %8s %,12d".formatted("sum", "", "", parameters())).toString();
  }
}
