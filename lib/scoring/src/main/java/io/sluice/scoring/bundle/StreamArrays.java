package io.sluice.scoring.bundle;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.text.dataset.StreamBatch;
import io.sluice.sequences.text.encoding.TextContract;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Streams of tokens as DL4J sees them.
 *
 * <p><b>Shapes.</b> B streams, T tokens of each; views of time-major memory:
 *
 * <pre>
 * features     (B, 1, T)   token ids
 * labels       (B, 1, T)   the token after each
 * </pre>
 */
public final class StreamArrays {

  /**
   * @throws InvalidInputException if the model does not predict the tokens
   */
  public StreamArrays(TextContract contract, ModelSpec spec) {
    int words = contract.vocabularySize();
    if (spec.head().kind() != Head.Kind.CLASSES || spec.output() != ModelSpec.Output.SEQUENCE) {
      throw new InvalidInputException(
          "The model does not fit the stream of tokens: it gives no probabilities of words at every step. Use the dataset it was trained on, or train again.");
    }
    requireEqual("reads", spec.embedding().words(), words);
    requireEqual("predicts", spec.head().outputs(), words);
  }

  private static void requireEqual(String does, int model, int dataset) {
    if (model != dataset) {
      throw new InvalidInputException(
          "The model does not fit the stream of tokens: it %s %,d words, the vocabulary has %,d. Use the dataset it was trained on, or train again."
              .formatted(does, model, dataset));
    }
  }

  /** Features and labels together, as a network is fitted. */
  public DataSet dataSet(StreamBatch batch) {
    return new DataSet(
        ids(batch.ids(), batch.timeSteps(), batch.size()),
        ids(batch.nextIds(), batch.timeSteps(), batch.size()));
  }

  /**
   * @param ids (T, B), valid to index T·B
   * @return (B, 1, T)
   */
  INDArray ids(int[] ids, int T, int B) {
    var values = new float[T * B];
    for (int i = 0; i < values.length; i++) {
      values[i] = ids[i];
    }
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, new long[] {T, B, 1}, 'c');
    ((FloatPointer) array.data().pointer()).put(values);
    return array.permute(1, 2, 0);
  }
}
