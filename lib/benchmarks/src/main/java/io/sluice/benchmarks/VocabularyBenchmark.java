package io.sluice.benchmarks;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.head.VocabularyOutput;
import java.io.IOException;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * What does the output layer over a large vocabulary save, in time and memory, against DL4J's own?
 *
 * <pre>lib/benchmarks/run.sh vocabulary [--record]</pre>
 *
 * <p>The layer alone, as a language model has it: B = 20, T = 35, H = 200, V = 10,000, one thread.
 * A round is a gradient and its loss; both must agree. Memory is the most that lay in RAM during a
 * contestant's first rounds less what lay there before them, labels and parameters included before;
 * ours goes first, since what a process once had stays its peak.
 *
 * <p>Result: results/vocabulary.json (2026-11-26, 2 cores of an AMD EPYC, 24 GB): DL4J's layer
 * takes 3.1 times as long and 4.4 times the memory, 141 MiB against 32, and 27 MiB of labels
 * against 3 KiB. Of our 32, 8 are logits.
 */
public final class VocabularyBenchmark {
  private static final int B = 20;
  private static final int T = 35;
  private static final int H = 200;
  private static final int V = 10_000;

  private VocabularyBenchmark() {}

  public static void main(String[] args) throws Exception {
    NativeThreads.set(1);
    var random = new Random(2);
    INDArray x = Nd4j.randn(DataType.FLOAT, T, B, H).permute(1, 2, 0);
    INDArray ids = Nd4j.create(DataType.FLOAT, B, 1, T);
    INDArray oneHot = Nd4j.create(DataType.FLOAT, T, B, V).permute(1, 2, 0);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        int id = random.nextInt(V);
        ids.putScalar(b, 0, t, id);
        oneHot.putScalar(b, id, t, 1);
      }
    }
    MultiLayerNetwork own = own(V);
    MultiLayerNetwork stock = stock(V);
    stock.setParams(own.params());
    loadLibraries(x);

    double ownMebibytes = mebibytes(own, x, ids);
    double stockMebibytes = mebibytes(stock, x, oneHot);
    requireAgreement(own, stock);
    Map<String, Turns.Times> times =
        new Turns()
            .add("own", (long) B * T, "time steps", () -> step(own, x, ids))
            .add("DL4J", (long) B * T, "time steps", () -> step(stock, x, oneHot))
            .run(3, 21);

    new Report("vocabulary", "What does our output layer save over DL4J's at V = 10,000?")
        .put("shape", "B=%d T=%d H=%d V=%d, f32, 1 thread".formatted(B, T, H, V))
        .putTimes(times)
        .put("DL4J's time over ours", ratio(times.get("DL4J").median(), times.get("own").median()))
        .put("MiB of a step, own", Report.rounded(ownMebibytes))
        .put("MiB of a step, DL4J", Report.rounded(stockMebibytes))
        .put("DL4J's memory over ours", ratio(stockMebibytes, ownMebibytes))
        .put("MiB of labels, own", Report.rounded(ids.length() * 4.0 / (1 << 20)))
        .put("MiB of labels, DL4J", Report.rounded(oneHot.length() * 4.0 / (1 << 20)))
        .finish();
  }

  private static MultiLayerNetwork own(int classes) {
    return network(new VocabularyOutput.Builder().nIn(H).nOut(classes).build());
  }

  private static MultiLayerNetwork stock(int classes) {
    return network(
        new RnnOutputLayer.Builder(LossFunction.MCXENT)
            .nIn(H)
            .nOut(classes)
            .activation(Activation.SOFTMAX)
            .dataFormat(RNNFormat.NCW)
            .build());
  }

  /** A step of each over two classes: what their libraries take is no step's. */
  private static void loadLibraries(INDArray x) {
    step(own(2), x, Nd4j.zeros(DataType.FLOAT, B, 1, T));
    step(stock(2), x, Nd4j.zeros(DataType.FLOAT, B, 2, T));
  }

  private static MultiLayerNetwork network(BaseOutputLayer head) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Sgd(1))
                .list()
                .layer(head)
                .build());
    network.init();
    network.initGradientsView();
    return network;
  }

  private static void step(MultiLayerNetwork network, INDArray x, INDArray labels) {
    network.setInput(x);
    network.setLabels(labels);
    network.computeGradientAndScore();
  }

  /** What three steps take; the first of DL4J's sizes its workspaces. */
  private static double mebibytes(MultiLayerNetwork network, INDArray x, INDArray labels)
      throws IOException {
    double before = ProcessMemory.residentKibibytes();
    for (int k = 0; k < 3; k++) {
      step(network, x, labels);
    }
    return (ProcessMemory.peakKibibytes() - before) / 1024;
  }

  private static void requireAgreement(MultiLayerNetwork own, MultiLayerNetwork stock) {
    INDArray expected = stock.getFlattenedGradients();
    double worst =
        own.getFlattenedGradients().sub(expected).amaxNumber().doubleValue()
            / expected.amaxNumber().doubleValue();
    // float32 sums of 700 rows in another order
    Turns.requireEqual("gradients to 1e-5 of the largest", true, worst <= 1e-5);
    Turns.requireEqual("loss to 1e-6", true, Math.abs(own.score() / stock.score() - 1) <= 1e-6);
  }

  private static double ratio(double a, double b) {
    return Report.rounded(a / b);
  }
}
