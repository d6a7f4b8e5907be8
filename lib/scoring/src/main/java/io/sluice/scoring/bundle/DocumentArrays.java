package io.sluice.scoring.bundle;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.encoding.TextContract;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Documents as DL4J sees them.
 *
 * <p><b>Shapes.</b> B documents, T = tokens of the longest of them:
 *
 * <pre>
 * features     (B, 1, T)   token ids, a view of time-major memory; the pad id beyond a document's end
 * steps        (B, T)      1 = a token; absent where all documents have T
 * labels       (B, 1)      class index; 0 where there is none
 * labelled     (B, 1)      1 = known; absent if all are
 * </pre>
 */
public final class DocumentArrays {

  /**
   * @throws InvalidInputException if the model does not fit the documents
   */
  public DocumentArrays(TextContract contract, ModelSpec spec) {
    int classes = contract.classes().size();
    if (spec.head().kind() != Head.Kind.CLASSES) {
      throw new InvalidInputException(
          "The model does not fit the documents: its head predicts numbers, theirs is one of %d classes. Use the dataset it was trained on, or train again."
              .formatted(classes));
    }
    requireEqual("words", spec.embedding().words(), contract.vocabularySize());
    requireEqual("classes", spec.head().outputs(), classes);
    if (spec.output() == ModelSpec.Output.SEQUENCE) {
      throw new InvalidInputException(
          "The model does not fit the documents: it has an output at every step, and a document has one class. Set model.output = last, mean or max, or model.attention = additive.");
    }
  }

  private static void requireEqual(String what, int model, int documents) {
    if (model != documents) {
      throw new InvalidInputException(
          "The model does not fit the documents: it has %d %s, the documents have %d. Use the dataset it was trained on, or train again."
              .formatted(model, what, documents));
    }
  }

  /** Features, steps, labels and which labels count, together, as a network is fitted. */
  public DataSet dataSet(TextBatch batch) {
    return new DataSet(
        features(batch), labels(batch), steps(batch).orElse(null), labelled(batch).orElse(null));
  }

  /** Token ids (B, 1, T). */
  public INDArray features(TextBatch batch) {
    int[] ids = batch.ids();
    var values = new float[batch.timeSteps() * batch.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = ids[i];
    }
    return array(values, batch.timeSteps(), batch.size(), 1).permute(1, 2, 0);
  }

  /** Which steps are tokens (B, T); empty if all are. */
  public Optional<INDArray> steps(TextBatch batch) {
    int T = batch.timeSteps();
    var mask = new float[batch.size() * T];
    boolean isFull = true;
    for (int b = 0; b < batch.size(); b++) {
      int length = batch.length(b);
      isFull &= length == T;
      Arrays.fill(mask, b * T, b * T + length, 1);
    }
    return isFull ? Optional.empty() : Optional.of(array(mask, batch.size(), T));
  }

  private static INDArray labels(TextBatch batch) {
    var labels = new float[batch.size()];
    for (int b = 0; b < labels.length; b++) {
      labels[b] = Math.max(0, batch.label(b));
    }
    return array(labels, labels.length, 1);
  }

  private static Optional<INDArray> labelled(TextBatch batch) {
    var known = new float[batch.size()];
    boolean all = true;
    for (int b = 0; b < known.length; b++) {
      known[b] = batch.label(b) < 0 ? 0 : 1;
      all &= known[b] == 1;
    }
    return all ? Optional.empty() : Optional.of(array(known, known.length, 1));
  }

  /** With one copy to native memory. */
  private static INDArray array(float[] values, long... shape) {
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape, 'c');
    ((FloatPointer) array.data().pointer()).put(values);
    return array;
  }
}
