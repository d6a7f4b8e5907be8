package io.sluice.benchmarks;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.head.AdaptiveSoftmax;
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
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * What does the output layer over a large vocabulary save, in time and memory, against DL4J's own,
 * and what does its adaptive softmax save against the full one?
 *
 * <pre>lib/benchmarks/run.sh vocabulary [--record]</pre>
 *
 * <p>The layer alone, as a language model has it: B = 20, T = 35, H = 200, V = 10,000, one thread.
 * A round is a gradient and its loss; both must agree. Memory is the most that lay in RAM during a
 * contestant's first rounds less what lay there before them, labels and parameters included before;
 * ours goes first, since what a process once had stays its peak.
 *
 * <p>Adaptive against full takes part at V = 10,000, 100,000 and 250,000, H = 256 and 650, with the
 * cutoffs of {@code model.softmax-cutoffs = []} and words as frequent as Zipf's law says. Memory is
 * that of parameters and gradients; logits take at most 32 MiB, or 64 rows of the words.
 *
 * <p>Result: results/vocabulary.json (2026-11-27, 2 cores of an AMD EPYC, 24 GB): DL4J's layer
 * takes 3.4 times as long and 3.3 times the memory, 143 MiB against 43, and 27 MiB of labels
 * against 3 KiB. Full takes 4.2 to 4.3 times as long as adaptive at V = 10,000, 4.8 and 5.6 at
 * 100,000, 11 and 13 at 250,000, with H = 256 and 650.
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

    var report =
        new Report(
            "vocabulary",
            "What does our output layer save over DL4J's at V = 10,000, and adaptive over full?");
    report
        .put("shape", "B=%d T=%d H=%d V=%d, f32, 1 thread".formatted(B, T, H, V))
        .putTimes(times)
        .put("DL4J's time over ours", ratio(times.get("DL4J").median(), times.get("own").median()))
        .put("MiB of a step, own", Report.rounded(ownMebibytes))
        .put("MiB of a step, DL4J", Report.rounded(stockMebibytes))
        .put("DL4J's memory over ours", ratio(stockMebibytes, ownMebibytes))
        .put("MiB of labels, own", Report.rounded(ids.length() * 4.0 / (1 << 20)))
        .put("MiB of labels, DL4J", Report.rounded(oneHot.length() * 4.0 / (1 << 20)));
    own.close();
    stock.close();
    for (int inputs : new int[] {256, 650}) {
      for (int words : new int[] {10_000, 100_000, 250_000}) {
        compareSoftmaxes(words, inputs, report);
      }
    }
    report.finish();
  }

  /** Full and adaptive softmax of the same words, in turns. */
  private static void compareSoftmaxes(int words, int inputs, Report report) throws Exception {
    INDArray x = Nd4j.randn(DataType.FLOAT, T, B, inputs).permute(1, 2, 0);
    INDArray ids = Nd4j.create(DataType.FLOAT, B, 1, T);
    var random = new Random(3);
    for (int b = 0; b < B; b++) {
      for (int t = 0; t < T; t++) {
        // a word of rank w as often as 1/w
        ids.putScalar(b, 0, t, Math.floor(Math.pow(words, random.nextDouble())) - 1);
      }
    }
    var softmax = AdaptiveSoftmax.of(words, inputs, 4);
    MultiLayerNetwork adaptive =
        network(new VocabularyOutput.Builder().nIn(inputs).nOut(words).adaptive(softmax).build());
    MultiLayerNetwork full =
        network(new VocabularyOutput.Builder().nIn(inputs).nOut(words).build());
    double adaptiveMebibytes = adaptive.numParams() * 8.0 / (1 << 20);
    double fullMebibytes = full.numParams() * 8.0 / (1 << 20);
    requireProbabilities(adaptive, x, ids);
    Map<String, Turns.Times> times =
        new Turns()
            .add("adaptive", (long) B * T, "time steps", () -> step(adaptive, x, ids))
            .add("full", (long) B * T, "time steps", () -> step(full, x, ids))
            .run(2, 7);
    String title = "V=%,d H=%d".formatted(words, inputs);
    report
        .put(title + " cutoffs", softmax.cutoffs().toString())
        .putTimes(title, times)
        .put(
            title + ": full's time over adaptive's",
            ratio(times.get("full").median(), times.get("adaptive").median()))
        .put(title + ": MiB of parameters and gradients, full", Report.rounded(fullMebibytes))
        .put(
            title + ": MiB of parameters and gradients, adaptive",
            Report.rounded(adaptiveMebibytes))
        .put(title + ": full's memory over adaptive's", ratio(fullMebibytes, adaptiveMebibytes));
    full.close();
    adaptive.close();
  }

  /** Of the first sequence all words' must sum to 1, and the labels' be those of the loss. */
  private static void requireProbabilities(MultiLayerNetwork network, INDArray x, INDArray ids) {
    INDArray first = x.get(NDArrayIndex.interval(0, 1), NDArrayIndex.all(), NDArrayIndex.all());
    INDArray labels = ids.get(NDArrayIndex.interval(0, 1), NDArrayIndex.all(), NDArrayIndex.all());
    INDArray p = network.output(first);
    network.scoreExamples(new DataSet(first, labels), false);
    INDArray nll = VocabularyOutput.negativeLogLikelihoods(network.getOutputLayer());
    double worst = p.castTo(DataType.DOUBLE).sum(1).sub(1).amaxNumber().doubleValue();
    for (int t = 0; t < T; t++) {
      double known = Math.exp(-nll.getDouble(0, t));
      worst = Math.max(worst, Math.abs(p.getDouble(0, labels.getInt(0, 0, t), t) / known - 1));
    }
    // float32 sums of up to 170,000 numbers
    Turns.requireEqual("probabilities to 1e-4", true, worst <= 1e-4);
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
