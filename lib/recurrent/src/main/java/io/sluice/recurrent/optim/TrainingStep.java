package io.sluice.recurrent.optim;

import io.sluice.recurrent.embedding.AdversarialInput;
import io.sluice.recurrent.layer.HalfPrecision;
import io.sluice.recurrent.pass.TrainingPass;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * One training step of a network: gradient of the batch's mean loss, clipping to a global norm,
 * optimizer, weight decay, parameters.
 *
 * <p>It computes what {@code MultiLayerNetwork.fit} computes, from the same optimizer state, and
 * leaves out what goes on around it there: with two LSTM layers of 64 units, B = 32 and T = 50,
 * {@code fit} spends some 14 % of its time visiting each parameter for regularisation that it does
 * not have. The network's configuration must be one block, see {@link
 * GlobalNormClipping#requireOneBlock}.
 *
 * <p>The gradient of the input of the first layer, which {@code fit} computes and throws away, is
 * left out.
 *
 * <p>A batch of B examples may be cut: over processes, whose {@link GradientExchange} adds their
 * gradients; in each by {@link Replicas}, which compute at once; and each share by micro-batches,
 * which compute one after the other and need the memory of one. With R replicas in all and M
 * micro-batches:
 *
 * <pre>{@code
 * g = (1/B) · Σ over shares r < R, Σ over micro-batches m < M:  ∂(sum of losses of (r, m)) / ∂w
 * }</pre>
 *
 * <p>With an {@link AdversarialInput} as the lowest layer each micro-batch goes through the network
 * twice, and the step is by the mean over 2·B losses:
 *
 * <pre>{@code
 * g = (1/(2·B)) · Σ over examples:  ∂(loss(y) + loss(y + r)) / ∂w
 * }</pre>
 *
 * <p>Where the lowest layer is an embedding, what a step costs besides its passes follows the rows
 * that the batch touches, not the vocabulary; momentum (Nesterov's, RMSProp's) is the exception, as
 * it moves rows that have no gradient any more.
 *
 * <p>DL4J's gradients are such sums over examples (masked or not: a loss at every step is a sum
 * over its known steps), so each example weighs the same however uneven the cuts are, and the step
 * is that on the whole batch up to the order of float32 sums, which is the same each time. What our
 * dropout drops follows from an example's key and the step ({@code recurrent.dropout}), so that is
 * no matter of the cut either.
 */
public final class TrainingStep {
  private final Replicas replicas;
  private final MicroBatches microBatches;
  private final GradientSum sum;
  private final GradientExchange exchange;
  private final Sections sections;
  private final ParameterUpdate update;

  /** Passes over each example, see {@link AdversarialInput}. */
  private final int passes;

  /** Whole batches on the calling thread. */
  public TrainingStep(MultiLayerNetwork network) {
    this(new Replicas(network, 1), MicroBatches.ONE, null);
  }

  /** Whole batches in this process. */
  public TrainingStep(Replicas replicas, int microBatches) {
    this(replicas, MicroBatches.always(microBatches), null);
  }

  /**
   * @param replicas of a network with {@link GlobalNormClipping} as the optimizer of every layer;
   *     trained in place. Closing them is the caller's.
   * @param microBatches that a replica's share of a batch is cut into
   * @param exchange with the other processes that have a share in each batch; null if there are
   *     none
   */
  public TrainingStep(Replicas replicas, MicroBatches microBatches, GradientExchange exchange) {
    this(replicas, microBatches, exchange, GradientExchange.LEAST);
  }

  /**
   * @param leastBucket numbers of the smallest part of the gradient that is exchanged by itself
   */
  TrainingStep(
      Replicas replicas, MicroBatches microBatches, GradientExchange exchange, long leastBucket) {
    this.replicas = replicas;
    this.microBatches = microBatches;
    this.exchange = exchange;
    List<FlatGradient> gradients = replicas.each((replica, rank) -> FlatGradient.of(replica));
    this.sum =
        new GradientSum(
            replicas.network(),
            gradients,
            exchange,
            exchange == null ? Long.MAX_VALUE : leastBucket);
    this.sections = Sections.of(replicas);
    this.passes = AdversarialInput.of(replicas.network()).isPresent() ? 2 : 1;
    this.update =
        new ParameterUpdate(
            replicas.network(), HalfPrecision.isIn(replicas.network()), gradients.get(0), sections);
  }

  /**
   * Losses that the gradient of a batch is the sum of, before it is divided by them.
   *
   * @param examples B of the whole batch
   */
  public long losses(long examples) {
    return passes * examples;
  }

  /** The update that its steps end with. */
  public ParameterUpdate update() {
    return update;
  }

  /**
   * Trains on a batch that is this process's alone.
   *
   * @return the loss before the step, with what regularisation adds to it
   */
  public double run(Batch batch) {
    return run(batch, batch.size());
  }

  /**
   * Trains on a batch that several processes share.
   *
   * @param own this process's examples of it; may be none. States that they go on from are advanced
   * @param examples B of the whole batch, the same in all
   * @return the loss of the whole batch before the step, with what regularisation adds to it
   */
  public double run(Batch own, long examples) {
    if (examples < Math.max(1, own.size()) || exchange == null && examples > own.size()) {
      throw new IllegalArgumentException(
          "examples is %d with %d of this process, must be %s"
              .formatted(
                  examples,
                  own.size(),
                  examples > own.size()
                      ? "%d: there is no exchange".formatted(own.size())
                      : "at least %d".formatted(Math.max(1, own.size()))));
    }
    double loss = sumOverRanks(own, examples);
    update.apply(losses(examples), loss);
    if (own.states() != null) {
      own.states().advance();
    }
    return loss;
  }

  /**
   * Leaves the sum of all examples' gradients where the update takes it.
   *
   * @return the whole batch's mean loss
   */
  private double sumOverRanks(Batch own, long examples) {
    int sharing = Math.min(own.size(), replicas.count());
    sum.begin(sharing);
    double loss = 0;
    if (sharing > 0) {
      for (double each : replicas.each((replica, rank) -> share(replica, rank, own, examples))) {
        loss += each;
      }
    }
    if (exchange != null) {
      return exchange.await(loss);
    }
    sum.addUp(sections);
    return loss;
  }

  /**
   * Adds a replica's part to the sum.
   *
   * @return its part of the whole batch's mean loss; all parts together have what regularisation
   *     adds to a loss once, because each has it in proportion to its examples
   */
  private double share(MultiLayerNetwork replica, int rank, Batch own, long examples) {
    Batch mine = own.part(rank, replicas.count());
    int parts = microBatches.of(mine);
    GradientSum.Part part = sum.part(rank);
    part.begin();
    double loss = 0;
    for (int m = 0; m < parts; m++) {
      Batch batch = mine.part(m, parts).trimmed();
      for (int pass = 0; pass < passes; pass++) {
        boolean isLast = m == parts - 1 && pass == passes - 1;
        // what a layer's backward pass leaves is final only in the last pass
        double mean = gradient(replica, batch, isLast && exchange != null ? part : null, pass > 0);
        loss += mean * ((double) batch.size() / losses(examples));
        if (isLast) {
          part.finish();
        } else {
          part.keep();
        }
      }
    }
    return loss;
  }

  /** Leaves the gradient of a micro-batch as it is, or moved; returns the mean of its losses. */
  private double gradient(
      MultiLayerNetwork replica, Batch batch, TrainingPass.Backward backward, boolean moved) {
    Optional<AdversarialInput> input = AdversarialInput.of(replica);
    input.ifPresent(layer -> layer.move(moved));
    try {
      return BatchGradient.of(replica, batch, backward, update.gradientScale());
    } finally {
      input.ifPresent(layer -> layer.move(false));
    }
  }
}
