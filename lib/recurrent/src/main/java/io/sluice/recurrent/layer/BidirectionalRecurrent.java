package io.sluice.recurrent.layer;

import io.sluice.recurrent.dropout.ExampleDropout;
import io.sluice.recurrent.kernel.Direction;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A recurrent layer that reads its input forward and another, with parameters of its own, that
 * reads it backward; their outputs stand side by side.
 *
 * <p><b>Shapes.</b> (B, I, T) in, (B, 2H, T) out, forward half first; mask (B, T) as in {@link
 * Recurrent}, at any position.
 *
 * <p><b>Parameters</b> have the names and the order of DL4J's {@code Bidirectional}: {@code fW},
 * {@code fRW}, {@code fb}, … of the forward layer, then {@code bW}, … of the backward one. So the
 * flat parameters of one are those of the other. Initialisation, dropout (each direction drops its
 * own), regularisation, constraints and optimizer are what the {@link Recurrent} says.
 *
 * <p>Like DL4J's it cannot go step by step: the backward half begins where the series ends.
 *
 * <p><b>Considered:</b> DL4J's {@code Bidirectional} around a {@link Recurrent}, which this is to
 * DL4J but for how it runs: DL4J reverses copies of input, output and their gradients in time,
 * element by element, where a kernel can read backward.
 */
public final class BidirectionalRecurrent extends Bidirectional {
  private static final long serialVersionUID = 1L;

  /** For DL4J's JSON. */
  BidirectionalRecurrent() {}

  /**
   * @param forward the forward half, which the backward one is a copy of
   * @throws IllegalArgumentException if it reads backward
   */
  public BidirectionalRecurrent(Recurrent forward) {
    super(Mode.CONCAT, forward);
    if (forward.getDirection() != Direction.FORWARD) {
      throw new IllegalArgumentException(
          "Layer %s reads %s, but the layer in a BidirectionalRecurrent must read FORWARD: its copy reads backward"
              .formatted(forward.getLayerName(), forward.getDirection()));
    }
    var backward = (Recurrent) getBwd();
    backward.setDirection(Direction.BACKWARD);
    if (backward.getIDropout() instanceof ExampleDropout dropout) {
      backward.setIDropout(dropout.in(dropout.layer() + "/backward"));
    }
    if (forward.getLayerName() != null) {
      setLayerName(forward.getLayerName());
    }
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration conf,
      Collection<TrainingListener> listeners,
      int index,
      INDArray parametersView,
      boolean initialize,
      DataType dataType) {
    INDArray flat = parametersView.reshape(parametersView.length());
    long half = flat.length() / 2;
    var variables = new ArrayList<String>();
    var halves = new ArrayList<KernelLayer>();
    for (org.deeplearning4j.nn.conf.layers.Layer layer : List.of(getFwd(), getBwd())) {
      NeuralNetConfiguration own = conf.clone();
      own.setLayer(layer);
      own.clearVariables();
      long from = halves.size() * half;
      INDArray parameters = flat.get(NDArrayIndex.interval(from, from + half));
      halves.add(
          (KernelLayer) layer.instantiate(own, listeners, index, parameters, initialize, dataType));
      String prefix = halves.size() == 1 ? "f" : "b";
      own.getVariables().forEach(variable -> variables.add(prefix + variable));
    }
    conf.setVariables(variables);
    return new BidirectionalKernelLayer(conf, halves.get(0), halves.get(1), parametersView);
  }

  /** Deep, unlike that of DL4J's, whose clones share their dropout's masks. */
  @Override
  public BidirectionalRecurrent clone() {
    var clone = (BidirectionalRecurrent) super.clone();
    clone.setFwd(getFwd().clone());
    clone.setBwd(getBwd().clone());
    clone.setInitializer(null);
    return clone;
  }

  @Override
  public String toString() {
    return "BidirectionalRecurrent(%s)".formatted(getFwd());
  }
}
