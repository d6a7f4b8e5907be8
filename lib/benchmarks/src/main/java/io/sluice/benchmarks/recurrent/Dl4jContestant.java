package io.sluice.benchmarks.recurrent;

import io.sluice.recurrent.NativeThreads;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A DL4J network, whatever its layers are. */
abstract class Dl4jContestant implements Contestant {
  private Workload workload;
  private MultiLayerNetwork network;
  private INDArray input;
  private INDArray target;
  private INDArray[] matrices;

  /**
   * @param nativeThreads of one operation
   */
  Dl4jContestant(int nativeThreads) {
    NativeThreads.set(nativeThreads);
  }

  /** A network without the workload's parameters. */
  abstract MultiLayerNetwork network(Workload workload) throws CannotDo;

  @Override
  public final String open(Workload workload) throws CannotDo {
    close();
    this.workload = workload;
    network = network(workload);
    new Dl4jParameters(network, workload).copy();
    Shape shape = workload.shape();
    input =
        layOut(
            Nd4j.create(
                workload.input(),
                new long[] {shape.batch(), shape.timeSteps(), shape.inputSize()},
                'c'));
    target = target(workload.labels());
    return "";
  }

  /** Input (B, I, T) of a dense (B, T, I), as the network likes it best in memory. */
  INDArray layOut(INDArray input) {
    return input.permute(0, 2, 1).dup('c');
  }

  /** Labels as the output layer takes them: one-hot (B, classes). */
  INDArray target(long[] labels) {
    INDArray oneHot = Nd4j.zeros(DataType.FLOAT, labels.length, Workload.CLASSES);
    for (int b = 0; b < labels.length; b++) {
      oneHot.putScalar(b, labels[b], 1);
    }
    return oneHot;
  }

  @Override
  public final float[] probabilities() {
    return Nd4j.concat(0, output(network, input).toArray(INDArray[]::new))
        .dup('c')
        .data()
        .asFloat();
  }

  @Override
  public final Map<String, float[]> gradients() {
    network.setInput(input);
    network.setLabels(target);
    network.computeGradientAndScore();
    Map<String, float[]> gradients =
        new Dl4jParameters(network, workload).read(network.gradient().gradientForVariable());
    // DL4J's are sums over the batch
    for (float[] gradient : gradients.values()) {
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] /= workload.shape().batch();
      }
    }
    return gradients;
  }

  @Override
  public final void train(int steps) {
    for (int step = 0; step < steps; step++) {
      train(network, input, target);
    }
  }

  /** One training step. */
  abstract void train(MultiLayerNetwork network, INDArray input, INDArray target);

  /** Predictions (B, classes), in one piece or several, in order. */
  List<INDArray> output(MultiLayerNetwork network, INDArray input) {
    return List.of(network.output(input, false));
  }

  @Override
  public final void infer(int calls) {
    for (int call = 0; call < calls; call++) {
      output(network, input);
    }
  }

  @Override
  public void multiply(int n) {
    if (matrices == null || matrices[0].rows() != n) {
      matrices =
          new INDArray[] {
            Nd4j.ones(DataType.FLOAT, n, n),
            Nd4j.ones(DataType.FLOAT, n, n),
            Nd4j.createUninitialized(DataType.FLOAT, new long[] {n, n}, 'f')
          };
    }
    Nd4j.gemm(matrices[0], matrices[1], matrices[2], false, false, 1, 0);
  }

  @Override
  public void close() {
    if (network != null) {
      network.close();
      network = null;
    }
  }
}
