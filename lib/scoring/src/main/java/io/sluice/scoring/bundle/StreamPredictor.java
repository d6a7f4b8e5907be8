package io.sluice.scoring.bundle;

import io.sluice.recurrent.head.VocabularyOutput;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.layer.CarriedStates;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.sequences.text.encoding.TextContract;
import java.util.Arrays;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Reads B streams of tokens side by side with a bundle's language model: each call goes on where
 * the one before ended, from states of zero at first. Serves one thread.
 *
 * <p><b>Shapes.</b> B streams, T tokens of each, V words. Tokens are (T, B): that of time step t of
 * stream b stands at t·B + b. However a stream is cut into calls, the result is the same to float32
 * rounding; more tokens in a call are faster.
 */
public final class StreamPredictor implements AutoCloseable {
  private final MultiLayerNetwork network;
  private final StreamArrays arrays;
  private CarriedStates states;
  private final int highestRecurrent;
  private final int words;
  private int streams;
  private Device device = Device.CPU;

  /**
   * @param network its own; a network serves one predictor
   * @param streams B
   * @throws io.sluice.failure.InvalidInputException if it is no language model over the vocabulary
   */
  StreamPredictor(MultiLayerNetwork network, ModelSpec spec, TextContract contract, int streams) {
    if (streams < 1) {
      throw new IllegalArgumentException("streams is %d, must be at least 1".formatted(streams));
    }
    this.network = network;
    this.arrays = new StreamArrays(contract, spec);
    this.states = CarriedStates.zeros(network, streams);
    this.highestRecurrent =
        Networks.layersBelowRecurrent(spec)
            + (spec.hiddenSizes().size() - 1) * Networks.layersOfRecurrent(spec);
    this.words = contract.vocabularySize();
    this.streams = streams;
  }

  /** Computes on a device; before the first tokens. */
  public StreamPredictor on(Device other) {
    device = other;
    return this;
  }

  /** B. */
  public int streams() {
    return streams;
  }

  /** V. */
  public int words() {
    return words;
  }

  /** All streams begin anew. */
  public void begin() {
    states.clear();
  }

  /**
   * Others begin in their place.
   *
   * @param others B from now on
   */
  public void begin(int others) {
    if (others == streams) {
      begin();
    } else {
      states = CarriedStates.zeros(network, others);
      streams = others;
    }
  }

  /** What the streams carry, (B, N) row-major; see {@link CarriedStates}. A copy. */
  public float[] states() {
    return states.toArray();
  }

  /** Goes on from what {@link #states} gave. */
  public void goOnFrom(float[] carried) {
    states.set(carried);
  }

  /**
   * Reads tokens and judges what follows each.
   *
   * @param ids (T, B), valid to index T·B
   * @param nextIds (T, B): the token after each
   * @param T at least 1
   * @return (T, B): natural logarithm of the probability that the model gave to each of {@code
   *     nextIds} after all tokens of its stream so far
   */
  public double[] logProbabilities(int[] ids, int[] nextIds, int T) {
    var batch = new DataSet(arrays.ids(ids, T, streams), arrays.ids(nextIds, T, streams));
    try (Device.Bound bound = device.bind();
        CarriedStates.Bound carried = states.bind(network)) {
      network.score(batch, false);
    }
    states.advance();
    INDArray nll = VocabularyOutput.negativeLogLikelihoods(network.getOutputLayer());
    double[] byStream = nll.data().asDouble();
    var logProbabilities = new double[T * streams];
    for (int b = 0; b < streams; b++) {
      for (int t = 0; t < T; t++) {
        logProbabilities[t * streams + b] = -byStream[b * T + t];
      }
    }
    return logProbabilities;
  }

  /**
   * Reads tokens and says what may follow the last of each stream.
   *
   * @param ids (T, B), valid to index T·B
   * @param T at least 1
   * @return (B, V) probabilities, row-major
   */
  public float[] next(int[] ids, int T) {
    int before = (T - 1) * streams;
    try (Device.Bound bound = device.bind();
        CarriedStates.Bound carried = states.bind(network)) {
      if (T > 1) {
        // no probabilities of what is known already
        network.feedForwardToLayer(highestRecurrent, arrays.ids(ids, T - 1, streams), false);
        states.advance();
      }
      int[] last = Arrays.copyOfRange(ids, before, before + streams);
      INDArray p = network.output(arrays.ids(last, 1, streams), false);
      states.advance();
      return Nd4j.toFlattened('c', p).data().asFloat();
    }
  }

  /** Frees native memory; further tokens take it again. */
  @Override
  public void close() {
    KernelMemory.free(network);
  }
}
