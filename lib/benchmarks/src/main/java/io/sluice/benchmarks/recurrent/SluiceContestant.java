package io.sluice.benchmarks.recurrent;

import io.sluice.recurrent.NativeThreads;
import io.sluice.recurrent.memory.TrainingMemory;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.Batch;
import io.sluice.recurrent.optim.Replicas;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.Collections;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Our network as the trainers build it, and a training step as {@code local} takes it, in
 * micro-batches where {@code train.accumulate} would leave it to that. With more threads than one,
 * each has a part of the batch and computes on its own ({@link Replicas}, which {@code
 * train.threads} asks for); a part is never computed by two.
 */
final class SluiceContestant extends Dl4jContestant {
  private final int threads;
  private Replicas replicas;
  private TrainingStep step;
  private ModelSpec spec;

  SluiceContestant(int threads) {
    super(1);
    this.threads = threads;
  }

  private Replicas replicas(MultiLayerNetwork network) {
    if (replicas == null) {
      replicas = new Replicas(network, threads);
    }
    return replicas;
  }

  @Override
  void train(MultiLayerNetwork network, INDArray input, INDArray target) {
    if (step == null) {
      int windows = Math.toIntExact(input.size(0));
      step =
          new TrainingStep(replicas(network), TrainingMemory.microBatches(spec, windows, threads));
    }
    step.run(new Batch(input, target, null));
  }

  @Override
  List<INDArray> output(MultiLayerNetwork network, INDArray input) {
    long B = input.size(0);
    if (threads == 1 || B < threads) {
      return super.output(network, input);
    }
    return replicas(network)
        .each(
            (replica, rank) ->
                replica.output(
                    input.get(
                        NDArrayIndex.interval(rank * B / threads, (rank + 1) * B / threads),
                        NDArrayIndex.all(),
                        NDArrayIndex.all()),
                    false));
  }

  /** The library's own product on all threads: what the machine can do. */
  @Override
  public void multiply(int n) {
    NativeThreads.set(threads);
    try {
      super.multiply(n);
    } finally {
      NativeThreads.set(1);
    }
  }

  @Override
  public void close() {
    if (replicas != null) {
      replicas.close();
      replicas = null;
      step = null;
    }
    super.close();
  }

  /** Time-major, as the trainers' batches are; libtorch's is too. */
  @Override
  INDArray layOut(INDArray input) {
    return input.permute(1, 0, 2).dup('c').permute(1, 2, 0);
  }

  /** Ids (B, 1), which libtorch takes too. */
  @Override
  INDArray target(long[] labels) {
    return Nd4j.createFromArray(labels).reshape(labels.length, 1).castTo(DataType.FLOAT);
  }

  @Override
  MultiLayerNetwork network(Workload workload) {
    Shape shape = workload.shape();
    spec =
        new ModelSpec(
            shape.inputSize(),
            shape.timeSteps(),
            cell(workload.cell()),
            Collections.nCopies(shape.layers(), shape.hiddenSize()),
            workload.cell().isBidirectional(),
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            precision(workload.precision()),
            Head.classes(Workload.CLASSES, List.of()));
    return Networks.create(spec, OptimizerSpec.constantAdam(Workload.LEARNING_RATE), 1);
  }

  private static io.sluice.recurrent.kernel.Precision precision(Precision precision) {
    return switch (precision) {
      case F32 -> io.sluice.recurrent.kernel.Precision.F32;
      case BF16 -> io.sluice.recurrent.kernel.Precision.BF16;
    };
  }

  private static io.sluice.recurrent.kernel.Cell cell(Cell cell) {
    return switch (cell) {
      case LSTM, BIDIRECTIONAL_LSTM -> io.sluice.recurrent.kernel.Cell.LSTM;
      case PEEPHOLE_LSTM -> io.sluice.recurrent.kernel.Cell.PEEPHOLE_LSTM;
      case LAYERNORM_LSTM -> io.sluice.recurrent.kernel.Cell.LAYERNORM_LSTM;
      case GRU -> io.sluice.recurrent.kernel.Cell.GRU;
      case RNN -> io.sluice.recurrent.kernel.Cell.RNN;
    };
  }
}
