package io.sluice.sequences.telemetry;

import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.Target;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.source.Channels;
import java.util.List;

/** Settings and what was found in the source, as the contract of a dataset. */
final class Contracts {
  private Contracts() {}

  static WindowContract of(
      SequenceSettings settings,
      Grid grid,
      Channels channels,
      List<String> classes,
      Scaling scaling) {
    return new WindowContract(
        grid.axis(),
        settings.window().lookBack(),
        settings.window().horizon(),
        settings.window().stride(),
        channels.stored(),
        channels.inputs(),
        settings.features().masks(),
        settings.features().timeSinceLast(),
        settings.resample().maxGapSteps(),
        settings.features().calendar(),
        settings.features().calendarZone().getId(),
        settings.features().knownFuture(),
        target(settings, grid, channels, classes),
        scaling);
  }

  private static Target target(
      SequenceSettings settings, Grid grid, Channels channels, List<String> classes) {
    var target = settings.target();
    return switch (target.type()) {
      case FORECAST -> new Target(TargetType.FORECAST, channels.targets(), List.of(), 0, 0);
      case CLASS -> new Target(TargetType.CLASS, List.of(), classes, 0, 0);
      case EVENT ->
          new Target(
              TargetType.EVENT,
              List.of(),
              List.of("no event", "event"),
              grid.steps(target.leadTime()),
              0);
      case REMAINING_LIFE ->
          new Target(TargetType.REMAINING_LIFE, List.of(), List.of(), 0, target.cap());
    };
  }

  /** Positions of channels among the stored ones. */
  static int[] indices(WindowContract contract, List<String> names) {
    return names.stream().mapToInt(contract.channels()::indexOf).toArray();
  }
}
