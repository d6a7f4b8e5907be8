package io.sluice.recurrent.optim;

import io.sluice.recurrent.dropout.ExampleKeys;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.Regularizers;
import io.sluice.recurrent.model.WordEmbedding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Small models of every kind, and batches of random numbers to train them on. */
public final class SmallModels {
  public static final int B = 12;
  static final int I = 3;
  public static final int T = 6;
  private static final int WORDS_IN_ALL = 40;

  private SmallModels() {}

  /** Every kind of model that the settings can ask for. */
  public enum Kind {
    BIDIRECTIONAL(List.of(5, 4), true, ModelSpec.Output.LAST, Head.regression(2)),
    CLASSES(List.of(5, 4), false, ModelSpec.Output.LAST, Head.classes(3, List.of(1.0, 2.0, 0.5))),
    CLASSES_AT_EVERY_STEP(List.of(5), false, ModelSpec.Output.SEQUENCE, Head.classes(3, List.of())),
    QUANTILES(List.of(5, 4), false, ModelSpec.Output.MAX, Head.quantiles(2, List.of(0.2, 0.7))),
    EVERY_STEP(List.of(5, 4), true, ModelSpec.Output.SEQUENCE, Head.regression(2)),
    QUANTILES_AT_EVERY_STEP(
        List.of(5), false, ModelSpec.Output.SEQUENCE, Head.quantiles(1, List.of(0.1, 0.5, 0.9))),
    MEAN(List.of(5), false, ModelSpec.Output.MEAN, Head.regression(1)),
    CONCAT(List.of(5, 4), true, ModelSpec.Output.CONCAT, Head.classes(3, List.of())),
    ADDITIVE_ATTENTION(List.of(5, 4), false, ModelSpec.Output.LAST, Head.regression(2)),
    SELF_ATTENTION(List.of(4, 4), true, ModelSpec.Output.LAST, Head.regression(2)),
    LAYER_NORM(List.of(5, 4), false, ModelSpec.Output.LAST, Head.regression(2)),
    WORDS(List.of(5), false, ModelSpec.Output.LAST, Head.classes(3, List.of())),
    MOVED_WORDS(List.of(5), true, ModelSpec.Output.LAST, Head.classes(3, List.of())),
    NEXT_WORD(List.of(5), false, ModelSpec.Output.SEQUENCE, Head.classes(WORDS_IN_ALL, List.of())),
    TIED_WORDS(List.of(5), false, ModelSpec.Output.SEQUENCE, Head.classes(WORDS_IN_ALL, List.of())),
    SMOOTH(List.of(5, 4), true, ModelSpec.Output.LAST, Head.regression(2)),
    SMOOTH_AT_EVERY_STEP(List.of(5), false, ModelSpec.Output.SEQUENCE, Head.classes(3, List.of())),
    DROPPED_WEIGHTS(List.of(5, 4), true, ModelSpec.Output.LAST, Head.regression(2)),
    ADAPTIVE_WORDS(
        List.of(5),
        false,
        ModelSpec.Output.SEQUENCE,
        Head.classes(WORDS_IN_ALL, List.of()).with(new AdaptiveSoftmax(List.of(10, 20), 2)));

    private final List<Integer> hiddenSizes;
    private final boolean bidirectional;
    private final ModelSpec.Output output;
    private final Head head;

    Kind(List<Integer> hiddenSizes, boolean bidirectional, ModelSpec.Output output, Head head) {
      this.hiddenSizes = hiddenSizes;
      this.bidirectional = bidirectional;
      this.output = output;
      this.head = head;
    }

    /** With all three dropouts; variational in every other kind. */
    public ModelSpec spec() {
      WordEmbedding embedding =
          switch (this) {
            case WORDS, NEXT_WORD, ADAPTIVE_WORDS ->
                new WordEmbedding(WORDS_IN_ALL, 3, false, 0.3, false);
            case MOVED_WORDS -> new WordEmbedding(WORDS_IN_ALL, 3, false, 0.3, false, 0.1);
            // another size than the recurrent layer's
            case TIED_WORDS -> new WordEmbedding(WORDS_IN_ALL, 4, false, 0.3, true);
            default -> WordEmbedding.NONE;
          };
      return new ModelSpec(
              embedding.equals(WordEmbedding.NONE) ? I : 1,
              T,
              Cell.LSTM,
              hiddenSizes,
              bidirectional,
              0.3,
              output,
              // dense layers have no place before classes at every step
              head.kind() == Head.Kind.CLASSES && output == ModelSpec.Output.SEQUENCE
                  ? List.of()
                  : List.of(3),
              1,
              Precision.F32,
              head,
              this == ADDITIVE_ATTENTION
                  ? Attention.additive(3)
                  : this == SELF_ATTENTION ? Attention.self(2) : Attention.NONE,
              this == LAYER_NORM,
              ordinal() % 2 == 0,
              0.3)
          .with(embedding)
          .with(
              switch (this) {
                case SMOOTH, TIED_WORDS -> new Regularizers(0.2, 0.4, 0, 0.5, 0.7);
                case SMOOTH_AT_EVERY_STEP -> new Regularizers(0, null, 0, 0.5, 0.7);
                case DROPPED_WEIGHTS -> new Regularizers(0.2, null, 0.4, 0, 0);
                default -> Regularizers.NONE;
              });
    }
  }

  /** Clipped in some steps; weights are decayed. */
  public static final OptimizerSpec ADAM = optimizer(OptimizerSpec.Algorithm.ADAM, 0.01, 0.1, 0.5);

  public static final OptimizerSpec DESCENT = optimizer(OptimizerSpec.Algorithm.SGD, 0.1, 0.1, 0.5);

  static OptimizerSpec optimizer(
      OptimizerSpec.Algorithm algorithm, double rate, double weightDecay, double maxNorm) {
    return new OptimizerSpec(
        algorithm,
        rate,
        0,
        OptimizerSpec.Schedule.CONSTANT,
        50,
        0,
        1,
        1,
        1,
        1,
        weightDecay,
        maxNorm);
  }

  /** Some examples of a batch. */
  public static Batch rows(Batch batch, int[] rows) {
    return rows.length == 0
        ? Batch.empty()
        : new Batch(
            examplesOf(batch.features(), rows),
            batch.featuresMask() == null ? null : examplesOf(batch.featuresMask(), rows),
            examplesOf(batch.labels(), rows),
            null,
            Arrays.stream(rows).mapToLong(row -> batch.keys()[row]).toArray());
  }

  private static INDArray examplesOf(INDArray all, int[] rows) {
    long[] shape = all.shape().clone();
    INDArray flat = all.reshape('c', B, all.length() / B);
    shape[0] = rows.length;
    return Nd4j.pullRows(flat, 1, rows).reshape('c', shape);
  }

  public static List<Batch> batches(ModelSpec spec, int count) {
    var random = new Random(5);
    var batches = new ArrayList<Batch>();
    for (int k = 0; k < count; k++) {
      batches.add(
          new Batch(
              spec.hasEmbedding()
                  ? Nd4j.math().floor(numbers(random, B, 1, T).muli(WORDS_IN_ALL))
                  : numbers(random, B, I, T),
              labels(random, spec),
              null,
              ExampleKeys.of(3, 0, (long) k * B, B)));
    }
    return batches;
  }

  /** Batches of words whose sequences end at different steps, each as long as its longest. */
  public static List<Batch> documents(ModelSpec spec, int count) {
    var random = new Random(6);
    var documents = new ArrayList<Batch>();
    for (Batch whole : batches(spec, count)) {
      int longest = 2 + random.nextInt(T - 1);
      var mask = new float[B][longest];
      for (int b = 0; b < B; b++) {
        int length = b == 3 ? longest : 1 + random.nextInt(longest);
        Arrays.fill(mask[b], 0, length, 1);
      }
      documents.add(
          new Batch(
              whole
                  .features()
                  .get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, longest))
                  .dup('c'),
              Nd4j.createFromArray(mask),
              whole.labels(),
              null,
              whole.keys()));
    }
    return documents;
  }

  private static INDArray labels(Random random, ModelSpec spec) {
    boolean sequence = spec.output() == ModelSpec.Output.SEQUENCE;
    if (spec.head().kind() != Head.Kind.CLASSES) {
      int J = spec.head().outputs();
      return sequence ? numbers(random, B, J, T) : numbers(random, B, J);
    }
    INDArray ids = sequence ? numbers(random, B, 1, T) : numbers(random, B, 1);
    return Nd4j.math().floor(ids.mul(spec.head().outputs()));
  }

  private static INDArray numbers(Random random, long... shape) {
    int length = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    float[] values = new float[length];
    for (int k = 0; k < length; k++) {
      values[k] = random.nextFloat();
    }
    return Nd4j.create(values, shape, 'c');
  }

  /** The largest difference. */
  public static double worst(INDArray actual, INDArray expected) {
    return actual.sub(expected).amaxNumber().doubleValue();
  }
}
