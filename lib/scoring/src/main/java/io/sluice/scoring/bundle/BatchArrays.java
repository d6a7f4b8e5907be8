package io.sluice.scoring.bundle;

import io.sluice.config.ConfigReader;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Windows as DL4J sees them.
 *
 * <p><b>Shapes.</b> B windows, T steps, I inputs, J target numbers; J = 1 where they are class ids.
 *
 * <pre>
 * features   (B, I, T)               a view of time-major memory, so a step is one block
 * targets    (B, J)                  with an output at the last step
 *            (B, J, T)               with an output at every step
 * mask       shaped like targets, 1 = known; classes: (B, 1), or (B, T); absent if all is known
 * </pre>
 *
 * <p>A model with an output at every step needs batches with {@link WindowBatch#sequenceTargets()}
 * (of a dataset opened {@code withSequenceTargets}) for its targets; features need nothing.
 */
public final class BatchArrays {
  private final WindowContract contract;
  private final ModelSpec spec;

  /**
   * @throws InvalidInputException if the model does not fit the windows
   */
  public BatchArrays(WindowContract contract, ModelSpec spec) {
    this.contract = contract;
    this.spec = spec;
    int classes = contract.target().classes().size();
    if ((spec.head().kind() == Head.Kind.CLASSES) != (classes > 0)) {
      throw new InvalidInputException(
          "The model does not fit the windows: its head is %s, the windows' target is %s. Use the dataset it was trained on, or train again."
              .formatted(
                  ConfigReader.kebab(spec.head().kind()),
                  ConfigReader.kebab(contract.target().type())));
    }
    requireEqual("inputs per step", spec.inputSize(), contract.inputSize());
    requireEqual("look-back steps", spec.lookBack(), contract.lookBack());
    requireEqual(
        classes > 0 ? "classes" : "target numbers",
        spec.head().outputs(),
        classes > 0 ? classes : contract.targetSize());
  }

  private static void requireEqual(String what, int model, int windows) {
    if (model != windows) {
      throw new InvalidInputException(
          "The model does not fit the windows: it has %d %s, the windows have %d. Use the dataset it was trained on, or train again."
              .formatted(model, what, windows));
    }
  }

  /** Inputs (B, I, T). */
  public INDArray features(WindowBatch batch) {
    return copied(batch.inputs(), contract.lookBack(), batch.size(), contract.inputSize())
        .permute(1, 2, 0);
  }

  /** Targets; one that is unknown is 0 and out of the {@link #targetMask}. */
  public INDArray targets(WindowBatch batch) {
    return arrays(batch, false);
  }

  /** Which targets are known; empty if all are. */
  public Optional<INDArray> targetMask(WindowBatch batch) {
    float[] values = values(batch);
    int n = batch.size() * steps() * contract.targetSize();
    for (int i = 0; i < n; i++) {
      if (Float.isNaN(values[i])) {
        return Optional.of(arrays(batch, true));
      }
    }
    return Optional.empty();
  }

  /** Inputs, targets and mask together, as a network is fitted. */
  public DataSet dataSet(WindowBatch batch) {
    return new DataSet(features(batch), targets(batch), null, targetMask(batch).orElse(null));
  }

  private int steps() {
    return spec.output() == ModelSpec.Output.SEQUENCE ? contract.lookBack() : 1;
  }

  /** (B, J), or (B, T, J) with an output at every step; class indices have J = 1. */
  private float[] values(WindowBatch batch) {
    if (spec.output() != ModelSpec.Output.SEQUENCE) {
      return batch.targets();
    }
    if (batch.sequenceTargets().length == 0) {
      throw new IllegalArgumentException(
          "The batch has no sequence targets, which a model with an output at every step is trained on");
    }
    return batch.sequenceTargets();
  }

  /** Targets, or their mask, as DL4J wants them. */
  private INDArray arrays(WindowBatch batch, boolean mask) {
    float[] values = values(batch);
    boolean classes = spec.head().kind() == Head.Kind.CLASSES;
    int rows = batch.size() * steps();
    int J = contract.targetSize();
    var filled = new float[Math.multiplyExact(rows, J)];
    for (int i = 0; i < filled.length; i++) {
      float value = values[i];
      if (!Float.isNaN(value)) {
        filled[i] = mask ? 1 : value;
      }
    }
    INDArray array = copied(filled, batch.size(), steps(), J);
    if (spec.output() != ModelSpec.Output.SEQUENCE || (classes && mask)) {
      return array.reshape('c', batch.size(), (long) steps() * J);
    }
    return array.permute(0, 2, 1);
  }

  /** The first a·b·c values as (a, b, c) 'c', with one copy to native memory. */
  private static INDArray copied(float[] values, int a, int b, int c) {
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, new long[] {a, b, c}, 'c');
    var pointer = (FloatPointer) array.data().pointer();
    pointer.put(values, 0, Math.multiplyExact(a * b, c));
    return array;
  }
}
