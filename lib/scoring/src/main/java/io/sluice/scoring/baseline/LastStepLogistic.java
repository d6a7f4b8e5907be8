package io.sluice.scoring.baseline;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.ml.classification.LogisticRegression;
import org.apache.spark.ml.classification.LogisticRegressionModel;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * A multinomial logistic regression on the inputs of a window's last step: what can be said without
 * looking back.
 *
 * <pre>{@code
 * s[v] = bias[v] + Σ_i weight[v, i] · x[i]      x (I) scaled inputs of the last step
 * p[v] = exp(s[v]) / Σ_w exp(s[w])
 * }</pre>
 *
 * <p>Fitted by Spark MLlib ({@link LogisticRegression}, L-BFGS with an L2 penalty), predicted here:
 * a model of MLlib's predicts data frames.
 */
public final class LastStepLogistic implements Serializable {
  private static final long serialVersionUID = 1L;
  // enough to keep separable classes from running off to infinity
  private static final double L2 = 1e-4;
  private static final int MOST_ITERATIONS = 50;
  private static final double TOLERANCE = 1e-4;
  // MLlib gives a class that is certain or was never seen an infinite bias
  private static final double CERTAIN = 1e6;

  private final int V;
  private final int I;
  private final double[] weights;
  private final double[] biases;
  private final int examples;

  private LastStepLogistic(int V, int I, double[] weights, double[] biases, int examples) {
    this.V = V;
    this.I = I;
    this.weights = weights;
    this.biases = biases;
    this.examples = examples;
  }

  /**
   * An example.
   *
   * @param inputs (I) of a window's last step, NaN nowhere
   * @param label class index
   */
  public record Example(float[] inputs, int label) implements Serializable {}

  /**
   * @param V classes
   * @param examples at least one, all with as many inputs
   */
  public static LastStepLogistic fit(SparkSession spark, int V, List<Example> examples) {
    int I = examples.get(0).inputs().length;
    var rows = new ArrayList<Row>(examples.size());
    for (Example example : examples) {
      rows.add(RowFactory.create((double) example.label(), Vectors.dense(doubles(example))));
    }
    var schema =
        new StructType(
            new StructField[] {
              new StructField("label", DataTypes.DoubleType, false, Metadata.empty()),
              new StructField("features", SQLDataTypes.VectorType(), false, Metadata.empty())
            });
    LogisticRegressionModel model =
        new LogisticRegression()
            .setFamily("multinomial")
            .setRegParam(L2)
            .setMaxIter(MOST_ITERATIONS)
            .setTol(TOLERANCE)
            .fit(spark.createDataFrame(rows, schema));
    // MLlib knows the classes up to the largest label it saw; one never seen has probability zero
    int seen = model.numClasses();
    var weights = new double[V * I];
    var biases = new double[V];
    for (int v = 0; v < V; v++) {
      double bias = v < seen ? model.interceptVector().apply(v) : -CERTAIN;
      biases[v] = Math.max(-CERTAIN, Math.min(CERTAIN, bias));
      for (int i = 0; i < I && v < seen; i++) {
        weights[v * I + i] = model.coefficientMatrix().apply(v, i);
      }
    }
    return new LastStepLogistic(V, I, weights, biases, examples.size());
  }

  private static double[] doubles(Example example) {
    var inputs = new double[example.inputs().length];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = example.inputs()[i];
    }
    return inputs;
  }

  /** Examples it was fitted on. */
  public int examples() {
    return examples;
  }

  /**
   * (V) probabilities.
   *
   * @param inputs holds the I inputs from {@code offset}
   */
  public float[] probabilities(float[] inputs, int offset) {
    var scores = new double[V];
    double most = Double.NEGATIVE_INFINITY;
    for (int v = 0; v < V; v++) {
      scores[v] = biases[v];
      for (int i = 0; i < I; i++) {
        scores[v] += weights[v * I + i] * inputs[offset + i];
      }
      most = Math.max(most, scores[v]);
    }
    double sum = 0;
    for (int v = 0; v < V; v++) {
      scores[v] = Math.exp(scores[v] - most);
      sum += scores[v];
    }
    var probabilities = new float[V];
    for (int v = 0; v < V; v++) {
      probabilities[v] = (float) (scores[v] / sum);
    }
    return probabilities;
  }
}
