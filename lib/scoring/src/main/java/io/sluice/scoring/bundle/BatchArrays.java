package io.sluice.scoring.bundle;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Windows as DL4J sees them.
 *
 * <p><b>Shapes.</b> B windows, T steps, I inputs, J target numbers, V classes.
 *
 * <pre>
 * features   (B, I, T)               a view of time-major memory, so a step is one block
 * targets    (B, J) or one-hot (B, V)          with an output at the last step
 *            (B, J, T) or one-hot (B, V, T)    with an output at every step
 * mask       shaped like targets, 1 = known; classes: (B, 1), or (B, T); absent if all is known
 * </pre>
 *
 * <p>With an output at every step t, a forecast's target is what the channels did in the H steps
 * after t, taken from the window itself and from its target; steps to the end of life count down to
 * the window's own; a class is the window's at every step (target replication: Lipton et al.,
 * "Learning to Diagnose with LSTM Recurrent Neural Networks", ICLR 2016).
 */
public final class BatchArrays {
  private final WindowContract contract;
  private final ModelSpec spec;
  private final int[] targetInputs;

  /**
   * @throws InvalidInputException if the model does not fit the windows
   * @throws InvalidConfigException if outputs at every step are asked for a forecast of channels
   *     that are not inputs
   */
  public BatchArrays(WindowContract contract, ModelSpec spec) {
    this.contract = contract;
    this.spec = spec;
    requireFit();
    List<String> channels = contract.target().channels();
    this.targetInputs = channels.stream().mapToInt(contract.inputs()::indexOf).toArray();
    if (spec.output() == ModelSpec.Output.SEQUENCE
        && contract.target().type() == TargetType.FORECAST) {
      for (int k = 0; k < targetInputs.length; k++) {
        if (targetInputs[k] < 0) {
          throw new InvalidConfigException(
              "for this dataset",
              List.of(
                  "model.output: must be last where a predicted channel is not an input, and %s is not"
                      .formatted(channels.get(k))));
        }
      }
    }
  }

  private void requireFit() {
    requireEqual("inputs per step", spec.inputSize(), contract.inputSize());
    requireEqual("look-back steps", spec.lookBack(), contract.lookBack());
    int classes = contract.target().classes().size();
    if ((spec.head().kind() == Head.Kind.CLASSES) != (classes > 0)) {
      throw new InvalidInputException(
          "The model does not fit the windows: its head is %s, the windows' target is %s. Use the dataset it was trained on, or train again."
              .formatted(spec.head().kind(), contract.target().type()));
    }
    requireEqual(
        "target numbers", spec.head().outputs(), classes > 0 ? classes : contract.targetSize());
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

  /** Targets; a number that is unknown is 0 and out of the {@link #targetMask}. */
  public INDArray targets(WindowBatch batch) {
    return arrays(batch, false);
  }

  /** Which targets are known; empty if all are. */
  public Optional<INDArray> targetMask(WindowBatch batch) {
    INDArray mask = arrays(batch, true);
    return mask.minNumber().doubleValue() == 1 ? Optional.empty() : Optional.of(mask);
  }

  /** Inputs, targets and mask together, as a network is fitted. */
  public DataSet dataSet(WindowBatch batch) {
    return new DataSet(features(batch), targets(batch), null, targetMask(batch).orElse(null));
  }

  private INDArray arrays(WindowBatch batch, boolean mask) {
    boolean classes = spec.head().kind() == Head.Kind.CLASSES;
    boolean sequence = spec.output() == ModelSpec.Output.SEQUENCE;
    int steps = sequence ? contract.lookBack() : 1;
    int B = batch.size();
    int columns = classes && mask ? 1 : spec.head().outputs();
    var values = new float[Math.multiplyExact(steps * B, columns)];
    for (int s = 0; s < steps; s++) {
      int ahead = steps - 1 - s;
      for (int b = 0; b < B; b++) {
        int row = (s * B + b) * columns;
        if (classes) {
          float label = batch.targets()[b];
          if (mask) {
            values[row] = Float.isNaN(label) ? 0 : 1;
          } else if (!Float.isNaN(label)) {
            values[row + (int) label] = 1;
          }
        } else {
          for (int j = 0; j < columns; j++) {
            float value = number(batch, b, j, ahead);
            values[row + j] = Float.isNaN(value) ? 0 : mask ? 1 : value;
          }
        }
      }
    }
    INDArray array = copied(values, steps, B, columns);
    if (!sequence) {
      return array.reshape('c', B, columns);
    }
    return classes && mask ? array.reshape('c', steps, B).permute(1, 0) : array.permute(1, 2, 0);
  }

  /** Target number j of window b as seen {@code ahead} steps before its origin; NaN if unknown. */
  private float number(WindowBatch batch, int b, int j, int ahead) {
    int J = spec.head().outputs();
    if (ahead == 0) {
      return batch.targets()[b * J + j];
    }
    if (contract.target().type() != TargetType.FORECAST) {
      float left = batch.targets()[b * J + j];
      return Math.min(1, left + ahead / (float) contract.target().cap());
    }
    int K = targetInputs.length;
    int afterOrigin = j / K - ahead;
    int k = j % K;
    if (afterOrigin >= 0) {
      return batch.targets()[b * J + afterOrigin * K + k];
    }
    int t = contract.lookBack() + afterOrigin;
    int step = (t * batch.size() + b) * contract.inputSize();
    int channel = targetInputs[k];
    boolean observed =
        !contract.masks() || batch.inputs()[step + contract.inputs().size() + channel] != 0;
    return observed ? batch.inputs()[step + channel] : Float.NaN;
  }

  /** The first a·b·c values as (a, b, c) 'c', with one copy to native memory. */
  private static INDArray copied(float[] values, int a, int b, int c) {
    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, new long[] {a, b, c}, 'c');
    var pointer = (FloatPointer) array.data().pointer();
    pointer.put(values, 0, Math.multiplyExact(a * b, c));
    return array;
  }
}
