package io.sluice.recurrent.optim;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The moments of {@link Adam} and their step: a gradient becomes what is to be subtracted from the
 * parameters.
 *
 * <p>float32 arrays without gaps, which is what DL4J's networks have, take one pass in plain Java;
 * all others, float64 above all, the same formulas as ND4J's operations.
 */
final class AdamUpdater implements GradientUpdater<Adam> {
  private static final String MEAN = "M";
  private static final String SQUARE = "V";

  /**
   * Added and taken away again, it makes moments multiples of 2⁻¹²³, which are zero or normal
   * numbers. Without a gradient a moment shrinks until it is denormal and, 0.9 of the smallest
   * number being rounded to the smallest number, stays so for good, at many times the cost. What is
   * above 2⁻⁷⁵ is left as it is.
   */
  private static final float TINY = 0x1p-100f;

  private final Adam config;
  private INDArray m;
  private INDArray v;

  AdamUpdater(Adam config) {
    this.config = config;
  }

  @Override
  public void applyUpdater(INDArray gradient, int iteration, int epoch) {
    applyUpdater(gradient, null, List.of(), Sections.ALONE, iteration, epoch);
  }

  /**
   * @param known where the gradient differs from zero, rows without any left out; null if nobody
   *     knows. What is outside has no update.
   * @param groups that count t from the first step in which they learn, and have no update before;
   *     none is all from step 0
   * @param sections threads that share the work
   */
  void applyUpdater(
      INDArray gradient,
      Ranges known,
      List<LayerGroup> groups,
      Sections sections,
      int iteration,
      int epoch) {
    if (m == null) {
      throw new IllegalStateException(
          "Adam has no state yet: call setStateViewArray or setState before applyUpdater");
    }
    if (gradient.length() != m.length()) {
      throw new IllegalArgumentException(
          "gradient has length %d, expected that of the state's moments, %d"
              .formatted(gradient.length(), m.length()));
    }
    double learningRate = config.getLearningRate(iteration, epoch);
    INDArray g =
        gradient.equalShapes(m) ? gradient : gradient.reshape(m.ordering(), true, m.shape());
    Ranges ranges = known == null ? ranges(gradient) : known;
    if (groups.isEmpty()) {
      boolean isAll = known == null && config.rows() == null;
      step(g, ranges, isAll, sections, learningRate, iteration + 1.0);
      return;
    }
    for (LayerGroup group : groups) {
      if (group.learnsAt(iteration)) {
        Ranges own = ranges.within(group.from(), group.to());
        step(g, own, false, sections, learningRate, iteration - group.firstStep() + 1.0);
      }
    }
  }

  /** Whether {@link #applyTo} can do its work on them. */
  boolean canApplyTo(INDArray gradient, INDArray parameters) {
    return gradient.length() == m.length()
        && haveOneOrder(gradient)
        && FloatBlocks.canHold(parameters);
  }

  /**
   * The whole step in one pass, to the bit that of its parts: the gradient times two factors, its
   * update, and the parameters without that. The gradient stays as it is.
   *
   * @param known as above
   * @param mean first factor
   * @param clip second factor
   */
  void applyTo(
      INDArray parameters,
      INDArray gradient,
      Ranges known,
      float mean,
      float clip,
      Sections sections,
      int iteration,
      int epoch) {
    double rate = rate(config.getLearningRate(iteration, epoch), iteration + 1.0);
    double correction = correction(iteration + 1.0);
    Ranges ranges = known == null ? ranges(gradient) : known;
    sections.each(
        ranges, part -> inBlocks(gradient, parameters, part, mean, clip, rate, correction));
  }

  private double rate(double learningRate, double t) {
    return learningRate / (1 - Math.pow(config.beta1(), t));
  }

  private double correction(double t) {
    return 1 / Math.sqrt(1 - Math.pow(config.beta2(), t));
  }

  /**
   * @param isAll whether the ranges are all of it
   * @param t steps in which these parameters learned, with this one
   */
  private void step(
      INDArray g, Ranges ranges, boolean isAll, Sections sections, double learningRate, double t) {
    double rate = rate(learningRate, t);
    double correction = correction(t);
    if (haveOneOrder(g)) {
      sections.each(ranges, part -> inBlocks(g, null, part, 1, 1, rate, correction));
    } else if (isAll) {
      byOperations(g, m, v, rate, correction);
    } else {
      for (int k = 0; k < ranges.count(); k++) {
        byOperations(
            ranges.view(vector(g), k),
            ranges.view(vector(m), k),
            ranges.view(vector(v), k),
            rate,
            correction);
      }
    }
  }

  /** What moves: all but rows without a gradient. */
  private Ranges ranges(INDArray gradient) {
    RowBlock rows = config.rows();
    if (rows == null) {
      return Ranges.upTo(gradient.length());
    }
    if (rows.numbers() > gradient.length()) {
      throw new IllegalStateException(
          "Adam is for a network that begins with %d rows of %d numbers, but this has %d parameters in all"
              .formatted(rows.count(), rows.size(), gradient.length()));
    }
    var ranges = new Ranges();
    ranges.addNonZero(vector(gradient), rows);
    ranges.add(rows.numbers(), gradient.length());
    return ranges;
  }

  private static INDArray vector(INDArray array) {
    return array.reshape(array.length());
  }

  private boolean haveOneOrder(INDArray g) {
    return FloatBlocks.canHold(g)
        && FloatBlocks.canHold(m)
        && FloatBlocks.canHold(v)
        && (g.isVectorOrScalar() || g.ordering() == m.ordering() && g.ordering() == v.ordering());
  }

  private void byOperations(INDArray g, INDArray m, INDArray v, double rate, double correction) {
    m.addi(g.sub(m).muli(1 - config.beta1()));
    v.addi(g.mul(g).subi(v).muli(1 - config.beta2()));
    INDArray deviation = Transforms.sqrt(v, true).muli(correction).addi(config.epsilon());
    g.assign(m).muli(rate).divi(deviation);
  }

  /**
   * @param parameters that the update is subtracted from; null leaves it in the gradient
   */
  private void inBlocks(
      INDArray g,
      INDArray parameters,
      Ranges ranges,
      float mean,
      float clip,
      double rate,
      double correction) {
    var moved = parameters == null ? null : new FloatBlocks(parameters);
    float[] weights = new float[FloatBlocks.SIZE];
    var gradients = new FloatBlocks(g);
    var means = new FloatBlocks(m);
    var squares = new FloatBlocks(v);
    float[] gradient = new float[FloatBlocks.SIZE];
    float[] first = new float[FloatBlocks.SIZE];
    float[] second = new float[FloatBlocks.SIZE];
    float newMean = (float) (1 - config.beta1());
    float newSquare = (float) (1 - config.beta2());
    ranges.pieces(
        (from, n) -> {
          gradients.get(from, gradient, n);
          means.get(from, first, n);
          squares.get(from, second, n);
          step(
              gradient,
              first,
              second,
              n,
              mean,
              clip,
              newMean,
              newSquare,
              (float) rate,
              (float) correction,
              (float) config.epsilon());
          means.put(from, first, n);
          squares.put(from, second, n);
          if (moved == null) {
            gradients.put(from, gradient, n);
          } else {
            moved.get(from, weights, n);
            subtract(weights, gradient, n);
            moved.put(from, weights, n);
          }
        });
  }

  /**
   * The step of n parameters, in a form that HotSpot turns into vector instructions, the square
   * root included.
   *
   * @param gradient in: g, times two factors; out: the update
   * @param first m, in and out
   * @param second v, in and out
   * @param newMean 1 − β1
   * @param newSquare 1 − β2
   * @param rate learning rate / (1 − β1^t)
   * @param correction 1 / √(1 − β2^t)
   */
  private static void step(
      float[] gradient,
      float[] first,
      float[] second,
      int n,
      float mean,
      float clip,
      float newMean,
      float newSquare,
      float rate,
      float correction,
      float epsilon) {
    for (int k = 0; k < n; k++) {
      float g = gradient[k] * mean * clip;
      float m = first[k];
      float v = second[k];
      // β·x + (1 − β)·y as x + (1 − β)·(y − x): a rounded β and a rounded 1 − β do not sum to 1
      m = m + newMean * (g - m) + TINY - TINY;
      v = v + newSquare * (g * g - v) + TINY - TINY;
      first[k] = m;
      second[k] = v;
      gradient[k] = rate * m / ((float) Math.sqrt(v) * correction + epsilon);
    }
  }

  private static void subtract(float[] weights, float[] update, int n) {
    for (int k = 0; k < n; k++) {
      weights[k] -= update[k];
    }
  }

  @Override
  public Adam getConfig() {
    return config;
  }

  @Override
  public void setState(Map<String, INDArray> stateMap, boolean initialize) {
    if (!stateMap.keySet().equals(Set.of(MEAN, SQUARE))) {
      throw new IllegalArgumentException(
          "The state has %s, expected exactly %s and %s"
              .formatted(stateMap.keySet(), MEAN, SQUARE));
    }
    m = stateMap.get(MEAN);
    v = stateMap.get(SQUARE);
    if (initialize) {
      m.assign(0);
      v.assign(0);
    }
  }

  @Override
  public Map<String, INDArray> getState() {
    return Map.of(MEAN, m, SQUARE, v);
  }

  @Override
  public void setStateViewArray(
      INDArray viewArray, long[] gradientShape, char gradientOrder, boolean initialize) {
    if (initialize) {
      viewArray.assign(0);
    }
    long length = viewArray.length();
    INDArray flat = viewArray.reshape(length);
    m = half(flat, 0, length / 2, gradientShape, gradientOrder);
    v = half(flat, length / 2, length, gradientShape, gradientOrder);
  }

  private static INDArray half(INDArray flat, long from, long to, long[] shape, char order) {
    return flat.get(NDArrayIndex.interval(from, to)).reshape(order, true, shape);
  }
}
