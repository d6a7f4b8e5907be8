package io.sluice.benchmarks.recurrent;

import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Our network as the trainers build it, and a training step as {@code local} takes it. */
final class SluiceContestant extends Dl4jContestant {
  SluiceContestant(int threads) {
    super(threads);
  }

  @Override
  MultiLayerNetwork network(Workload workload) throws CannotDo {
    if (workload.precision() != Precision.F32) {
      throw new CannotDo("the model has no setting for bf16");
    }
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
            Head.classes(Workload.CLASSES, List.of()));
    return Networks.create(spec, OptimizerSpec.constantAdam(Workload.LEARNING_RATE), 1);
  }

  private static ModelSpec.Cell cell(Cell cell) throws CannotDo {
    List<String> names =
        switch (cell) {
          case LSTM, BIDIRECTIONAL_LSTM -> List.of("LSTM");
          case PEEPHOLE_LSTM -> List.of("PEEPHOLE_LSTM", "GRAVES_LSTM");
          case LAYERNORM_LSTM -> List.of("LAYERNORM_LSTM");
          case GRU -> List.of("GRU");
          case RNN -> List.of("RNN", "SIMPLE_RNN");
        };
    return Arrays.stream(ModelSpec.Cell.values())
        .filter(known -> names.contains(known.name()))
        .findFirst()
        .orElseThrow(
            () ->
                new CannotDo(
                    "the model has no %s; it has %s"
                        .formatted(cell, Arrays.toString(ModelSpec.Cell.values()))));
  }
}
