package io.sluice.training.loop;

import org.nd4j.linalg.schedule.ISchedule;

/** A learning rate that each step scales for its own batch. */
public final class StepRate implements ISchedule {
  private static final long serialVersionUID = 1L;

  private final ISchedule rate;
  private double factor = 1;

  public StepRate(ISchedule rate) {
    this.rate = rate;
  }

  /** From the next step on. */
  public void setFactor(double factor) {
    this.factor = factor;
  }

  @Override
  public double valueAt(int iteration, int epoch) {
    return factor * rate.valueAt(iteration, epoch);
  }

  @Override
  @SuppressWarnings("MissingSuperCall") // a copy follows its own steps
  public StepRate clone() {
    var copy = new StepRate(rate.clone());
    copy.factor = factor;
    return copy;
  }
}
