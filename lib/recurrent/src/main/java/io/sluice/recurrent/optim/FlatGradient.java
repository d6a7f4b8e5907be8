package io.sluice.recurrent.optim;

import io.sluice.recurrent.embedding.RowGradient;
import io.sluice.recurrent.embedding.TouchedRows;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A network's flat gradient (P): where it begins with the rows of an embedding, what is done to
 * these costs by the rows that are touched.
 */
public final class FlatGradient {
  private final INDArray whole;

  /** Null without rows. */
  private final RowBlock rows;

  private final TouchedRows touched;
  private final Ranges ranges = new Ranges();
  private final float[] block = new float[FloatBlocks.SIZE];

  private FlatGradient(INDArray whole, RowBlock rows, TouchedRows touched) {
    this.whole = whole;
    this.rows = rows;
    this.touched = touched;
  }

  /** All of whose numbers may differ from zero. */
  static FlatGradient dense(INDArray whole) {
    return new FlatGradient(whole, null, null);
  }

  /** A network's own, of whose rows are kept which are touched. */
  public static FlatGradient of(MultiLayerNetwork network) {
    INDArray whole = ParameterUpdate.gradient(network);
    return RowGradient.of(network)
        .filter(layer -> whole.dataType() == DataType.FLOAT)
        .map(
            layer ->
                new FlatGradient(
                    whole, new RowBlock(layer.rows(), layer.rowSize()), layer.keepTouched()))
        .orElseGet(() -> dense(whole));
  }

  public INDArray whole() {
    return whole;
  }

  /** Numbers of the rows that it begins with; 0 if there are none. */
  public long rowNumbers() {
    return rows == null ? 0 : rows.numbers();
  }

  /** The rows that it begins with; null if there are none. */
  public RowBlock rows() {
    return rows;
  }

  /** Which rows may differ from zero; null without rows. */
  public TouchedRows touched() {
    return touched;
  }

  /** What follows the rows. */
  INDArray others() {
    return rows == null ? whole : whole.get(NDArrayIndex.interval(rows.numbers(), whole.length()));
  }

  /** Makes all rows zero. */
  public void zeroRows() {
    if (rows == null) {
      return;
    }
    if (touched.areAll()) {
      whole.get(NDArrayIndex.interval(0, rows.numbers())).assign(0);
    } else {
      rangesOf(touched).zero(whole);
    }
    touched.clear();
  }

  /** Adds another's rows, which are kept too. */
  void addRows(FlatGradient other, Sections sections) {
    if (rows == null) {
      return;
    }
    ArrayWork.add(whole, other.whole, rangesOf(other.touched), sections);
    touched.add(other.touched);
  }

  private Ranges rangesOf(TouchedRows list) {
    ranges.clear();
    for (int k = 0; k < list.count(); k++) {
      long from = (long) list.id(k) * rows.size();
      ranges.add(from, from + rows.size());
    }
    return ranges;
  }

  /** Whether it is known which of its rows may differ from zero. */
  public boolean knowsRanges() {
    return rows != null && !touched.areAll();
  }

  /**
   * The rows that differ from zero, and all that follows the rows.
   *
   * @return valid until any other call
   */
  Ranges ranges() {
    var blocks = new FloatBlocks(whole);
    ranges.clear();
    for (int k = 0; k < touched.count(); k++) {
      ranges.addIfNonZero(blocks, block, touched.id(k), rows.size());
    }
    ranges.add(rows.numbers(), whole.length());
    return ranges;
  }
}
