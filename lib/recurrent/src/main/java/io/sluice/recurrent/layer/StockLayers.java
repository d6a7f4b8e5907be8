package io.sluice.recurrent.layer;

import io.sluice.recurrent.kernel.Cell;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters of DL4J's own recurrent layers in the order of {@link Recurrent} and back.
 *
 * <p>Columns of gates, H each: DL4J's {@code LSTM} and {@code GravesLSTM} have candidate, forget,
 * output, input; ours input, forget, candidate, output. {@code GravesLSTM} holds its peepholes as
 * three more columns of the recurrent weights: of forget, output and input gate. {@code SimpleRnn}
 * has the same order as ours.
 */
public final class StockLayers {
  /** Where gate k of ours stands in DL4J's. */
  private static final int[] STOCK_GATE = {3, 1, 0, 2};

  /** Where peephole k of ours (i, f, o) stands in DL4J's. */
  private static final int[] STOCK_PEEPHOLE = {2, 0, 1};

  private StockLayers() {}

  /**
   * Whether a network has one of DL4J's recurrent layers, wrapped or not, or its wrapper of ours.
   */
  public static boolean areIn(MultiLayerNetwork network) {
    for (Layer layer : network.getLayers()) {
      var conf = layer.conf().getLayer();
      if (isStock(unwrapped(conf)) || isStockWrapperOfOurs(conf)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isStockWrapperOfOurs(org.deeplearning4j.nn.conf.layers.Layer layer) {
    return layer instanceof Bidirectional both
        && !(layer instanceof BidirectionalRecurrent)
        && both.getFwd() instanceof Recurrent;
  }

  /**
   * Copies the parameters of one layer to another of the same sizes; one of the two is a {@link
   * Recurrent} layer, the other the stock layer of the same cell. Both may stand in the same
   * wrapper of DL4J, or ours in a {@link BidirectionalRecurrent}. The two may also be that and
   * DL4J's {@code Bidirectional} around a {@link Recurrent}.
   *
   * @throws IllegalArgumentException if cells or sizes disagree
   */
  public static void copy(Layer from, Layer to) {
    if (from.conf().getLayer() instanceof Bidirectional a
        && to.conf().getLayer() instanceof Bidirectional b
        && a.getFwd() instanceof Recurrent x
        && b.getFwd() instanceof Recurrent y) {
      requireSameShape(x, y);
      to.setParams(from.params());
      return;
    }
    boolean toStock = isStock(unwrapped(to.conf().getLayer()));
    Layer ours = toStock ? from : to;
    Layer stock = toStock ? to : from;
    var stockCell = unwrapped(stock.conf().getLayer());
    if (!(unwrapped(ours.conf().getLayer()) instanceof Recurrent cell)) {
      throw new IllegalArgumentException(
          "Cannot convert a %s to or from a %s: one of the two must be a Recurrent layer"
              .formatted(
                  unwrapped(ours.conf().getLayer()).getClass().getSimpleName(),
                  stockCell.getClass().getSimpleName()));
    }
    requireSameCell(cell, stockCell);
    if (ours.numParams() != stock.numParams()) {
      throw new IllegalArgumentException(
          "Cannot convert between %s layers of %d and %d parameters: sizes must agree"
              .formatted(cell.getCell().label(), ours.numParams(), stock.numParams()));
    }
    boolean bothWays = ours.conf().getLayer() instanceof Bidirectional;
    for (String prefix : bothWays ? new String[] {"f", "b"} : new String[] {""}) {
      copy(cell, table(ours, prefix), table(stock, prefix), toStock);
    }
  }

  private static void copy(
      Recurrent cell, Map<String, INDArray> ours, Map<String, INDArray> stock, boolean toStock) {
    int H = Math.toIntExact(cell.getNOut());
    if (cell.getCell() == Cell.RNN) {
      for (String key : new String[] {"W", "RW", "b"}) {
        move(ours.get(key), stock.get(key), toStock);
      }
      return;
    }
    INDArray stockBias = stock.get("b").reshape(4L * H);
    for (int gate = 0; gate < STOCK_GATE.length; gate++) {
      for (String key : new String[] {"W", "RW"}) {
        move(
            columns(ours.get(key), gate, H), columns(stock.get(key), STOCK_GATE[gate], H), toStock);
      }
      move(part(ours.get("b"), gate, H), part(stockBias, STOCK_GATE[gate], H), toStock);
    }
    if (cell.getCell() == Cell.PEEPHOLE_LSTM) {
      for (int p = 0; p < STOCK_PEEPHOLE.length; p++) {
        INDArray column =
            stock.get("RW").get(NDArrayIndex.all(), NDArrayIndex.point(4L * H + STOCK_PEEPHOLE[p]));
        move(part(ours.get("P"), p, H), column, toStock);
      }
    }
  }

  private static void move(INDArray ours, INDArray stock, boolean toStock) {
    if (toStock) {
      stock.assign(ours.rank() == stock.rank() ? ours : ours.dup().reshape(stock.shape()));
    } else {
      ours.assign(ours.rank() == stock.rank() ? stock : stock.dup().reshape(ours.shape()));
    }
  }

  private static INDArray columns(INDArray matrix, int gate, int H) {
    return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval((long) gate * H, (gate + 1L) * H));
  }

  private static INDArray part(INDArray vector, int gate, int H) {
    return vector.get(NDArrayIndex.interval((long) gate * H, (gate + 1L) * H));
  }

  private static Map<String, INDArray> table(Layer layer, String prefix) {
    var table = new LinkedHashMap<String, INDArray>();
    layer
        .paramTable()
        .forEach(
            (key, value) -> {
              if (key.startsWith(prefix)) {
                table.put(key.substring(prefix.length()), value);
              }
            });
    return table;
  }

  private static org.deeplearning4j.nn.conf.layers.Layer unwrapped(
      org.deeplearning4j.nn.conf.layers.Layer layer) {
    if (layer instanceof Bidirectional both) {
      return unwrapped(both.getFwd());
    }
    return layer instanceof BaseWrapperLayer wrapper ? unwrapped(wrapper.getUnderlying()) : layer;
  }

  private static boolean isStock(org.deeplearning4j.nn.conf.layers.Layer layer) {
    return layer instanceof LSTM || layer instanceof GravesLSTM || layer instanceof SimpleRnn;
  }

  private static void requireSameShape(Recurrent from, Recurrent to) {
    if (!from.shape().equals(to.shape())) {
      throw new IllegalArgumentException(
          "Cannot convert a bidirectional %s to a %s: cells and sizes must agree"
              .formatted(from.shape(), to.shape()));
    }
  }

  private static void requireSameCell(
      Recurrent ours, org.deeplearning4j.nn.conf.layers.Layer stock) {
    boolean same =
        switch (ours.getCell()) {
          case LSTM -> stock instanceof LSTM;
          case PEEPHOLE_LSTM -> stock instanceof GravesLSTM;
          case RNN -> stock instanceof SimpleRnn;
          case GRU, LAYERNORM_LSTM -> false;
        };
    if (!same) {
      throw new IllegalArgumentException(
          "Cannot convert between a %s and DL4J's %s; LSTM, peephole LSTM and tanh RNN have counterparts: LSTM, GravesLSTM and SimpleRnn"
              .formatted(ours.getCell().label(), stock.getClass().getSimpleName()));
    }
  }
}
