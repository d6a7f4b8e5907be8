package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.recurrent.Workload.Parameter;
import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.Regularizers;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Our network as the trainers build it, and a training step as they take it. */
final class SluiceLanguageModel implements LanguageModelContestant {
  private final int threads;
  private LanguageModel model;
  private MultiLayerNetwork network;
  private Replicas replicas;
  private TrainingStep step;
  private CarriedStates states;
  private long[][] streams;
  private int next;

  SluiceLanguageModel(int threads) {
    NativeThreads.set(1);
    this.threads = threads;
  }

  @Override
  public String open(LanguageModel model) {
    close();
    this.model = model;
    streams = model.streams();
    network = network(LanguageModel.DROPOUT);
    replicas = new Replicas(network, threads);
    step = new TrainingStep(replicas, 1);
    states = CarriedStates.zeros(network, model.batch());
    next = 0;
    return "";
  }

  private MultiLayerNetwork network(double dropped) {
    var spec =
        new ModelSpec(
                1,
                model.timeSteps(),
                Cell.LSTM,
                Collections.nCopies(model.layers(), model.hiddenSize()),
                false,
                dropped,
                ModelSpec.Output.SEQUENCE,
                List.of(),
                1,
                model.precision() == Precision.BF16
                    ? io.sluice.recurrent.kernel.Precision.BF16
                    : io.sluice.recurrent.kernel.Precision.F32,
                Head.classes(model.words(), List.of()))
            .with(WordEmbedding.of(model.words(), model.hiddenSize()))
            .with(new Regularizers(dropped, dropped, 0, 0, 0));
    var optimizer =
        new OptimizerSpec(
            OptimizerSpec.Algorithm.SGD,
            LanguageModel.LEARNING_RATE,
            0,
            OptimizerSpec.Schedule.CONSTANT,
            Integer.MAX_VALUE,
            0,
            1,
            1,
            1,
            1,
            0,
            LanguageModel.MAX_GRADIENT_NORM);
    MultiLayerNetwork made = Networks.create(spec, optimizer, 1);
    copy(made.paramTable());
    return made;
  }

  /** PyTorch's parameters, whose gates are in our order; both biases are added. */
  private void copy(Map<String, INDArray> table) {
    Map<String, Parameter> parameters = model.parameters();
    for (int l = 0; l < model.layers(); l++) {
      int layer = l + 1;
      put(table, layer + "_W", parameters.get("weight_ih_l" + l));
      put(table, layer + "_RW", parameters.get("weight_hh_l" + l));
      float[] bias = parameters.get("bias_ih_l" + l).values().clone();
      float[] other = parameters.get("bias_hh_l" + l).values();
      for (int i = 0; i < bias.length; i++) {
        bias[i] += other[i];
      }
      table.get(layer + "_b").assign(Nd4j.createFromArray(bias).reshape(1, -1));
    }
    int head = model.layers() + 1;
    table
        .get("0_W")
        .assign(
            Nd4j.create(
                parameters.get("embedding").values(), parameters.get("embedding").shape(), 'c'));
    put(table, head + "_W", parameters.get("fc.weight"));
    table
        .get(head + "_b")
        .assign(Nd4j.createFromArray(parameters.get("fc.bias").values()).reshape(1, -1));
  }

  private static void put(Map<String, INDArray> table, String name, Parameter parameter) {
    table.get(name).assign(Nd4j.create(parameter.values(), parameter.shape(), 'c').transpose());
  }

  private Batch batch(int k) {
    return new Batch(
        series(streams[k]),
        null,
        series(model.labels(streams, k)),
        null,
        LongStream.range(0, model.batch()).map(b -> k * 1000L + b).toArray(),
        states);
  }

  /** (B, 1, T), as the trainers make it: time-major in memory. */
  private INDArray series(long[] ids) {
    float[] values = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      values[i] = ids[i];
    }
    return Nd4j.create(values, new long[] {model.timeSteps(), model.batch(), 1}, 'c')
        .permute(1, 2, 0);
  }

  @Override
  public float[] losses() {
    Batch batch = batch(0);
    network.scoreExamples(new DataSet(batch.features(), batch.labels()), false);
    return VocabularyOutput.negativeLogLikelihoods(network.getOutputLayer())
        .transpose()
        .dup('c')
        .data()
        .asFloat();
  }

  @Override
  public Map<String, float[]> gradients() {
    MultiLayerNetwork plain = network(0);
    Batch batch = batch(0);
    plain.setInput(batch.features());
    plain.setLabels(batch.labels());
    plain.computeGradientAndScore();
    Map<String, INDArray> table = plain.gradient().gradientForVariable();
    var gradients = new LinkedHashMap<String, float[]>();
    gradients.put("embedding", values(table.get("0_W")));
    for (int l = 0; l < model.layers(); l++) {
      int layer = l + 1;
      gradients.put("weight_ih_l" + l, values(table.get(layer + "_W").transpose()));
      gradients.put("weight_hh_l" + l, values(table.get(layer + "_RW").transpose()));
      gradients.put("bias_ih_l" + l, values(table.get(layer + "_b")));
      gradients.put("bias_hh_l" + l, values(table.get(layer + "_b")));
    }
    int head = model.layers() + 1;
    gradients.put("fc.weight", values(table.get(head + "_W").transpose()));
    gradients.put("fc.bias", values(table.get(head + "_b")));
    plain.close();
    return gradients;
  }

  /** DL4J's are sums over sequences. */
  private float[] values(INDArray gradient) {
    return gradient.div(model.batch()).dup('c').data().asFloat();
  }

  @Override
  public void train(int steps) {
    for (int k = 0; k < steps; k++) {
      step.run(batch(next));
      states.advance();
      next = (next + 1) % LanguageModel.BATCHES;
    }
  }

  @Override
  public void close() {
    if (replicas != null) {
      replicas.close();
      replicas = null;
      network.close();
    }
  }
}
