package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.optim.Batch;
import org.bytedeco.javacpp.Pointer;

/**
 * What a pipeline stage and its neighbours send each other. Upwards: for each step a header, for
 * each micro-batch its examples before its first activations. Downwards: gradients. Each direction
 * keeps its order.
 *
 * <p>What is sent may be used again at once, and sending does not wait for the other side to
 * receive. Receiving waits; it fails if a neighbour is lost, or nothing comes in time.
 */
public interface StageLinks {

  /**
   * What all stages of a replica must know before the units of a step.
   *
   * @param kind what follows
   * @param examples B of the whole batch, over all replicas
   * @param size of this replica's part of it
   * @param timeSteps T of this replica's part; 0 of none
   * @param targets of each example, which its loss is a mean over: tokens of a stream, else 1
   * @param rateFactor of the learning rate in this step
   * @param stopAsked whether the replica's first stage is asked to stop
   * @param wholeAsked whether it asks that no gradient is held back
   */
  record Header(
      Kind kind,
      long examples,
      int size,
      int timeSteps,
      int targets,
      double rateFactor,
      boolean stopAsked,
      boolean wholeAsked) {
    /** After the last batch of a validation. */
    public static final Header END = new Header(Kind.END, 0, 0, 0, 0, 0, false, false);

    /**
     * A training step.
     *
     * @param examples B of the whole batch, over all replicas
     * @param own this replica's part of it
     */
    public static Header training(
        long examples,
        Batch own,
        int targets,
        double rateFactor,
        boolean stopAsked,
        boolean wholeAsked) {
      return new Header(
          Kind.TRAINING,
          examples,
          own.size(),
          timeSteps(own),
          targets,
          rateFactor,
          stopAsked,
          wholeAsked);
    }

    /** A batch that is only looked at. */
    public static Header validation(Batch batch, int targets) {
      return new Header(
          Kind.VALIDATION, batch.size(), batch.size(), timeSteps(batch), targets, 1, false, false);
    }

    private static int timeSteps(Batch batch) {
      return batch.size() == 0 ? 0 : Math.toIntExact(batch.features().size(2));
    }
  }

  /** What follows a header. */
  enum Kind {
    /** A training step. */
    TRAINING,
    /** A batch whose loss is wanted. */
    VALIDATION,
    /** Nothing: the validation is over. */
    END
  }

  /** To the stage above. */
  void send(Header header);

  /** From the stage below. */
  Header receiveHeader();

  /** To the stage above. */
  void send(int microBatch, Examples examples);

  /** From the stage below. */
  Examples receiveExamples(int microBatch);

  /**
   * To the stage above.
   *
   * @param activations float32
   * @param n how many
   */
  void sendUp(Unit unit, Pointer activations, long n);

  /**
   * From the stage below.
   *
   * @param activations out: float32
   * @param n how many there must be
   */
  void receiveFromBelow(Unit unit, Pointer activations, long n);

  /**
   * To the stage below.
   *
   * @param gradients float32
   * @param n how many
   */
  void sendDown(Unit unit, Pointer gradients, long n);

  /**
   * From the stage above.
   *
   * @param gradients out: float32
   * @param n how many there must be
   */
  void receiveFromAbove(Unit unit, Pointer gradients, long n);

  /**
   * To the other end of the pipeline, where a head is tied to an embedding: from the first stage
   * the embedding's rows, before a step or a validation; from the last one their gradients, after a
   * step's last loss.
   *
   * @param rows float32
   * @param n how many
   */
  void sendTied(Pointer rows, long n);

  /**
   * From the other end of the pipeline.
   *
   * @param rows out: float32
   * @param n how many there must be
   */
  void receiveTied(Pointer rows, long n);

  /** To the stage below: a batch of a validation is done, and its memory free. */
  void sendDone();

  /** From the stage above. */
  void receiveDone();
}
