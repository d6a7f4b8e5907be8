package io.sluice.scoring.batch;

import java.io.Serializable;

/**
 * What a network said of one window, in original units, on its way from a task into Spark SQL.
 *
 * <p><b>Shapes.</b> Forecasts: {@code prediction}, {@code lower} and {@code upper} (H·K), index h·K
 * + k; remaining life: (1); classes: {@code classProbabilities} (V) and the other arrays null. Ends
 * of the interval are null where the model has none.
 *
 * <p>A bean with setters, because Spark's bean encoder turns its {@code float[]} into rows with one
 * copy each and no boxing; public, because the encoder's generated code calls it.
 */
public final class ScoredWindow implements Serializable {
  private static final long serialVersionUID = 1L;

  private String series;
  private long originTicks;
  private float[] prediction;
  private float[] lower;
  private float[] upper;
  private float[] classProbabilities;
  private String predictedClass;

  /** The series the window was cut from. */
  public String getSeries() {
    return series;
  }

  public void setSeries(String series) {
    this.series = series;
  }

  /** Time of the last look-back step. */
  public long getOriginTicks() {
    return originTicks;
  }

  public void setOriginTicks(long originTicks) {
    this.originTicks = originTicks;
  }

  /** Predicted values, or null. */
  public float[] getPrediction() {
    return prediction;
  }

  public void setPrediction(float[] prediction) {
    this.prediction = prediction;
  }

  /** Lower ends of the interval, or null. */
  public float[] getLower() {
    return lower;
  }

  public void setLower(float[] lower) {
    this.lower = lower;
  }

  /** Upper ends of the interval, or null. */
  public float[] getUpper() {
    return upper;
  }

  public void setUpper(float[] upper) {
    this.upper = upper;
  }

  /** Probabilities by class, or null. */
  public float[] getClassProbabilities() {
    return classProbabilities;
  }

  public void setClassProbabilities(float[] classProbabilities) {
    this.classProbabilities = classProbabilities;
  }

  /** The class, or null. */
  public String getPredictedClass() {
    return predictedClass;
  }

  public void setPredictedClass(String predictedClass) {
    this.predictedClass = predictedClass;
  }
}
