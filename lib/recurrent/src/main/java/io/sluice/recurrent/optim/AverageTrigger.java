package io.sluice.recurrent.optim;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * When an average of the weights begins: after the first validation whose loss is no better than
 * the best of all before but the last n. Weights on their way down have no part in it.
 *
 * <p>With plain gradient descent and the mean of weights ({@link WeightAverage} with a decay of 1)
 * it is non-monotonically triggered averaged SGD, whose authors take n = 5.
 *
 * <p><b>Source.</b> Merity, Keskar and Socher, "Regularizing and optimizing LSTM language models",
 * 2017, algorithm 1; the logging interval is the epoch.
 *
 * @param losses of all validations so far; none once it has begun
 * @param from steps taken before the average begins; −1 before it does
 */
public record AverageTrigger(List<Double> losses, long from) implements Serializable {
  /** Before the first validation. */
  public static final AverageTrigger FIRST = new AverageTrigger(List.of(), -1);

  public AverageTrigger {
    losses = List.copyOf(losses);
  }

  /** Whether it has, or does with the next step. */
  public boolean hasBegun() {
    return from >= 0;
  }

  /** What tells better losses from others. */
  public interface Better {
    boolean isBetter(double loss, double than);
  }

  /**
   * After a validation.
   *
   * @param patience n, at least 1
   * @param steps taken so far
   */
  public AverageTrigger next(double loss, Better better, int patience, long steps) {
    if (hasBegun()) {
      return this;
    }
    if (losses.size() > patience) {
      double best =
          losses.subList(0, losses.size() - patience).stream().reduce(Math::min).orElseThrow();
      if (!better.isBetter(loss, best)) {
        return new AverageTrigger(List.of(), steps);
      }
    }
    var all = new ArrayList<>(losses);
    all.add(loss);
    return new AverageTrigger(all, -1);
  }
}
