package io.sluice.benchmarks.recurrent;

import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.optim.TrainingStep;
import java.util.Collections;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Our network as the trainers build it, and a training step as {@code local} takes it. */
final class SluiceContestant extends Dl4jContestant {
  private TrainingStep step;

  SluiceContestant(int threads) {
    super(threads);
  }

  @Override
  void train(MultiLayerNetwork network, INDArray input, INDArray target) {
    if (step == null) {
      step = new TrainingStep(network);
    }
    step.run(input, target, null);
  }

  @Override
  MultiLayerNetwork network(Workload workload) {
    Shape shape = workload.shape();
    var spec =
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
