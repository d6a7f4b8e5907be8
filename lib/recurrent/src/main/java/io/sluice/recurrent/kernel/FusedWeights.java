package io.sluice.recurrent.kernel;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The parameters of a {@link FusedKernel} in the orders in which its products and its cell read
 * them, and the sums of their gradients.
 *
 * <p>Where products run fastest on matrices that need no transposition, forward has Wᵀ and RWᵀ,
 * made once a change of the parameters, and backward W and RW, of a copy that shows the change.
 * Elsewhere products bring them into an order of their own, which costs less than to compare them:
 * they are read where they lie, and are new at each {@link #set}.
 */
final class FusedWeights implements AutoCloseable {
  private final CellShape shape;
  private final FusedCell cell;

  /** Of RW and RWᵀ, which lie behind W and Wᵀ. */
  private final long recurrentOffset;

  /** Numbers of W and RW, which lie before all other parameters. */
  private final long products;

  /** Its own copy, or where they lie. */
  private final FloatMemory all = new FloatMemory();

  private final FloatMemory transposed = new FloatMemory();
  private final FloatMemory ownSums = new FloatMemory();
  private final FloatMemory borrowedSums = new FloatMemory();

  /** Either of them, of W and RW. */
  private FloatMemory sums = ownSums;

  /** Whether a gradient of W, and one of RW, is in the sums; before, anything may lie there. */
  private boolean hasInputSum;

  private boolean hasRecurrentSum;

  /** Of all parameters but W and RW; {@link #others} are those themselves. */
  private final float[] gradients;

  private final float[] others;
  private final boolean transposes;
  private boolean isPrepared;

  /**
   * @param transposes whether forward has matrices of its own
   */
  FusedWeights(CellShape shape, FusedCell cell, boolean transposes) {
    this.transposes = transposes;
    this.shape = shape;
    this.cell = cell;
    this.recurrentOffset = shape.parameter("RW").offset();
    this.products = shape.parameter("b").offset();
    this.gradients = new float[Math.toIntExact(shape.parameterCount() - products)];
    this.others = new float[gradients.length];
    if (transposes) {
      all.room(shape.parameterCount()).zero(shape.parameterCount());
    }
  }

  /** What they take with sums elsewhere, in numbers. */
  static long trainingNumbers(CellShape shape, boolean transposes) {
    return transposes ? shape.parameterCount() + shape.parameter("b").offset() : 0;
  }

  /** See {@link RecurrentKernel#setParameters}. */
  void set(Pointer parameters) {
    long count = shape.parameterCount();
    if (!transposes) {
      all.at(parameters, count);
      isPrepared = false;
    } else if (Pointer.memcmp(all.from(0), parameters, Float.BYTES * count) != 0) {
      all.copyFrom(parameters, 0, count);
      isPrepared = false;
    }
  }

  /**
   * Brings new parameters into the orders in which a pass reads them.
   *
   * @return whether they are new
   */
  boolean prepare() {
    if (isPrepared) {
      return false;
    }
    if (transposes) {
      int gates = shape.cell().gates() * shape.hiddenSize();
      transposed.room(products);
      Gemm.transpose(gates, shape.inputSize(), input(), transposed.from(0));
      Gemm.transpose(gates, shape.hiddenSize(), recurrent(), transposed.from(recurrentOffset));
    }
    all.get(products, others, others.length);
    cell.setParameters(others);
    isPrepared = true;
    return true;
  }

  /** W (G·H, I), and behind it all other parameters as {@link CellShape} says. */
  FloatPointer input() {
    return all.from(0);
  }

  /** What forward multiplies inputs by: Wᵀ (I, G·H), or W where nothing is transposed. */
  FloatPointer inputForward() {
    return transposes ? transposed.from(0) : input();
  }

  /** RW (G·H, H). */
  FloatPointer recurrent() {
    return all.from(recurrentOffset);
  }

  /** The same of states: RWᵀ (H, G·H), or RW. */
  FloatPointer recurrentForward() {
    return transposes ? transposed.from(recurrentOffset) : recurrent();
  }

  /** See {@link RecurrentKernel#sumGradientsAt}. */
  void sumGradientsAt(Pointer target) {
    if (!hasInputSum && !hasRecurrentSum) {
      sums = borrowedSums.at(target, products);
    }
  }

  /**
   * Adds gateGradientsᵀ·inputs to the gradient of W.
   *
   * @param rows of both
   */
  void addInputGradient(
      MatrixProducts by, int rows, FloatPointer gateGradients, FloatPointer inputs) {
    add(by, rows, gateGradients, inputs, shape.inputSize(), 0, hasInputSum);
    hasInputSum = true;
  }

  /** The same for RW, of states. */
  void addRecurrentGradient(
      MatrixProducts by, int rows, FloatPointer gateGradients, FloatPointer states) {
    add(by, rows, gateGradients, states, shape.hiddenSize(), recurrentOffset, hasRecurrentSum);
    hasRecurrentSum = true;
  }

  private void add(
      MatrixProducts by,
      int rows,
      FloatPointer gateGradients,
      FloatPointer factor,
      int columns,
      long offset,
      boolean isFurther) {
    int gates = shape.cell().gates() * shape.hiddenSize();
    FloatPointer sum = sums().from(offset);
    by.multiply(true, false, gates, columns, rows, gateGradients, factor, isFurther ? 1 : 0, sum);
  }

  private FloatMemory sums() {
    return sums == ownSums ? ownSums.room(products) : sums;
  }

  /** Writes the sums, the cell's own among them, and starts new ones. */
  void takeGradients(Pointer target) {
    if (!hasInputSum) {
      sums().zero(0, recurrentOffset);
    }
    if (!hasRecurrentSum) {
      sums().zero(recurrentOffset, products - recurrentOffset);
    }
    if (!sums.isAt(target)) {
      sums.copyTo(target, 0, products);
    }
    hasInputSum = false;
    hasRecurrentSum = false;
    cell.giveGradients(gradients);
    new FloatPointer(target).position(products).put(gradients);
    Arrays.fill(gradients, 0);
    sums = ownSums;
  }

  long bytes() {
    return all.bytes() + transposed.bytes() + ownSums.bytes();
  }

  @Override
  public void close() {
    all.close();
    transposed.close();
    ownSums.close();
    borrowedSums.close();
  }
}
